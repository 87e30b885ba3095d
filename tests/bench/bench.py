#!/usr/bin/env python3
"""Measures libeim beside easemob-websdk 4.8.1: same machine, same run, same sandbox program, all on loopback.

bench.py BUILD [--sdk FOLDER] [--only NAME,…] [--quick]: BUILD holds sandbox/eim-sandbox, tests/bench/eim-bench
and core/libeim.so; FOLDER holds sdk.mjs, wx-shim.mjs and node_modules. Prints one table, saves BUILD/../bench/
results.json. Nothing is asserted: a figure is a figure."""
import argparse
import http.client
import json
import os
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

APP_KEY = 'sandbox#demo'
PASSWORD = 'pw'
PATIENCE = 90  # seconds for any one answer
here = Path(__file__).resolve().parent


class Trouble(Exception):
    pass


class Lines:
    """A child that takes commands and answers in lines of JSON."""

    def __init__(self, args, env=None):
        self.name = Path(args[0]).name
        self.child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.ready = threading.Condition()
        self.seen, self.ended = [], False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            if line.startswith(b'{'):
                with self.ready:
                    self.seen.append(json.loads(line))
                    self.ready.notify_all()
        with self.ready:
            self.ended = True
            self.ready.notify_all()

    def tell(self, *words):
        self.child.stdin.write((' '.join(map(str, words)) + '\n').encode())
        self.child.stdin.flush()

    def take(self, event=None):
        deadline = time.monotonic() + PATIENCE
        with self.ready:
            while True:
                for i, line in enumerate(self.seen):
                    if event is None or line.get('event') == event:
                        return self.seen.pop(i)
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    raise Trouble(f'{self.name}: no "{event}" ' + ('before it ended' if self.ended else 'in time'))
                self.ready.wait(left)

    def ask(self, *words, event=None):
        self.tell(*words)
        return self.take(event or words[0])

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()


class Sandbox:
    def __init__(self, program, tls):
        self.process = Lines([program, '--app-key', APP_KEY] + (['--tls'] if tls else []))
        self.info = self.process.take()
        self.tls = tls
        self.users = 0
        self.admin = http.client.HTTPConnection(urlsplit(self.info['adminUrl']).netloc)
        self.admin_path = urlsplit(self.info['adminUrl']).path

    def call(self, path, body=None):
        try:
            return self._call(path, body)
        except (ConnectionError, http.client.HTTPException):
            self.admin.close()  # the server ended the kept connection
            return self._call(path, body)

    def _call(self, path, body):
        self.admin.request('POST' if body is not None else 'GET', self.admin_path + path,
                           json.dumps(body) if body is not None else None, {'content-type': 'application/json'})
        answer = self.admin.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Trouble(f'sandbox: {path}: {answer.status} {text[:200]}')
        return json.loads(text)

    def need_users(self, count):
        for number in range(self.users, count):
            self.call('/users', {'user': f'bench{number}', 'password': PASSWORD})
        self.users = max(self.users, count)

    def fresh_user(self):
        self.need_users(self.users + 1)
        return self.users - 1


class Relay:
    """A TCP relay before the message socket. On hold() it keeps what the server sends; let_go() hands all of it
    over at once, so that the pace of the sandbox does not show in the figures of a client."""

    def __init__(self, target):
        self.target = (urlsplit(target).hostname, urlsplit(target).port)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = re.sub(r':\d+/', f':{self.listener.getsockname()[1]}/', target)
        self.changed = threading.Condition()
        self.held, self.size, self.holding = [], 0, False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            self.client, _ = self.listener.accept()
            self.server = socket.create_connection(self.target)
        except OSError:
            return
        for one in (self.client, self.server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._up, daemon=True).start()
        self._down()

    def _up(self):
        try:
            while data := self.client.recv(65536):
                self.server.sendall(data)
        except OSError:
            pass

    def _down(self):
        try:
            while data := self.server.recv(1 << 20):
                with self.changed:
                    if self.holding:
                        self.held.append(data)
                        self.size += len(data)
                        self.changed.notify_all()
                        continue
                self.client.sendall(data)
        except OSError:
            pass

    def hold(self):
        with self.changed:
            self.holding = True

    def let_go(self, at_least):
        with self.changed:
            if not self.changed.wait_for(lambda: self.size >= at_least, PATIENCE):
                raise Trouble(f'relay: only {self.size} of {at_least} bytes came')
            data = b''.join(self.held)
            self.held, self.size, self.holding = [], 0, False
        self.client.sendall(data)

    def end(self):
        for one in ('listener', 'client', 'server'):
            if hasattr(self, one):
                getattr(self, one).close()


# ------------------------------------------------------------------ frames, after core/proto/msync.proto

def varint(n):
    out = bytearray()
    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def jid(name, resource=None):
    return field(1, APP_KEY) + field(2, name) + field(3, 'easemob.com') + (field(4, resource) if resource else b'')


def text_frame(message_id, to):
    """A SYNC frame with one text message of a dozen words and two extra values: about 350 bytes."""
    ext = field(1, 'nickname') + field(2, 7) + field(6, 'Alice in Wonderland')
    level = field(1, 'level') + field(2, 2) + field(3, 42)
    text = f'Message {message_id}: shall we meet at the corner at half past eight?'
    body = (field(1, 1) + field(2, field(2, 'alice')) + field(3, field(2, to)) +
            field(4, field(1, 0) + field(2, text)) + field(5, ext) + field(5, level))
    meta = (field(1, message_id) + field(2, jid('alice', 'webim_device')) + field(3, jid(to)) +
            field(4, 1760000000000 + message_id % 1000000) + field(5, 1) + field(6, body) + field(9, '{"is_online":1}'))
    down = field(1, field(1, 0)) + field(4, meta) + field(8, 1760000000000)
    return field(1, 0) + field(8, 0) + field(9, down)


# ------------------------------------------------------------------ the two sides

class Bench:
    def __init__(self, build, sdk, python, java, quick):
        self.build, self.sdk, self.python, self.java, self.quick = build, sdk, python, java, quick
        self.program = str(build / 'tests/bench/eim-bench')
        self.sandboxes, self.rows, self.notes = {}, [], []

    def box(self, tls):
        if tls not in self.sandboxes:
            self.sandboxes[tls] = Sandbox(str(self.build / 'sandbox/eim-sandbox'), tls)
        return self.sandboxes[tls]

    def new_box(self, tls):
        """A fresh one: what many clients leave behind is not the next measurement's business."""
        self.drop_box(tls)
        return self.box(tls)

    def drop_box(self, tls):
        if tls in self.sandboxes:
            self.sandboxes.pop(tls).process.end()

    def env(self, box, first=0, url=None, **more):
        ca = box.info['caFile'] or ''
        return {**os.environ, 'EIM_BENCH_APP_KEY': APP_KEY, 'EIM_BENCH_API': box.info['apiUrl'],
                'EIM_BENCH_URL': url or box.info['url'], 'EIM_BENCH_CA': ca, 'EIM_BENCH_USERS': 'bench',
                'EIM_BENCH_FIRST': str(first), 'EIM_BENCH_PASSWORD': PASSWORD,
                **{f'EIM_BENCH_{name.upper()}': str(value) for name, value in more.items()}}

    def start(self, side, env):
        args = {'ours': [self.program, 'run'], 'python': [str(self.python), str(here / 'bench_python.py')],
                'java': ['java', '-cp', self.java, str(here / 'Bench.java')],
                'sdk': ['node', '--expose-gc', str(self.sdk / 'sdk.mjs') if self.sdk else '']}[side]
        return Lines([self.program, 'exec'] + args, env)

    def sides(self):
        return ['ours', 'sdk'] if self.sdk else ['ours']

    def row(self, key, what, unit, ours, sdk=None, more_is_better=False, budget=None):
        row = {'key': key, 'what': what, 'unit': unit, 'ours': ours, 'sdk': sdk, 'budget': budget}
        if ours and sdk:
            row['ratio'] = ours / sdk if more_is_better else sdk / ours
        if budget is not None:
            row['within_budget'] = ours >= budget if more_is_better else ours <= budget
        self.rows.append(row)
        print(f'  {what}: {show(ours)}' + (f' / {show(sdk)}' if sdk is not None else '') + f' {unit}', flush=True)

    # -------------------------------------------------------------- what is measured

    def start_up(self):
        for tls, budget in ((False, 8), (True, 15)):
            box = self.box(tls)
            user = box.fresh_user()
            medians = {}
            for side in self.sides():
                times = []
                for _ in range(5 if self.quick else 21 if side == 'ours' else 9):
                    one = self.start(side, self.env(box, user))
                    times.append(one.ask('clients', 1, event='online')['ns'] / 1e6)
                    one.end()
                medians[side] = statistics.median(times)
            self.row(f'start_{name(tls)}', f'process start to onConnected, {name(tls)}', 'ms', **medians, budget=budget)

    def idle(self):
        """Ten thousand are for libeim only: the SDK would need minutes and gigabytes."""
        for tls in (False, True):
            found = {}
            for side in self.sides():
                found[side] = self._idle(side, tls, [100] if self.quick else [100, 1000], 1000)
            if not self.quick:
                if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 12000:
                    self.notes.append('RLIMIT_NOFILE is below 12,000: no figures of 10,000 clients')
                else:
                    found['many'] = self._idle('ours', tls, [10000], 10000)
            self._idle_rows(tls, found)

    def _idle(self, side, tls, most, beat_ms):
        box = self.new_box(tls)
        box.need_users(most[-1])
        one = self.start(side, self.env(box, heartbeat=beat_ms))
        figures = {}
        try:
            for count in [1] + most:
                one.ask('clients', count, event='online')
                figures[count] = {'rss': self._settled(one, side)}
                if count > 1:
                    figures[count]['each'] = (figures[count]['rss'] - figures[1]['rss']) / 1024 / (count - 1)
                    figures[count]['beat'] = self._heartbeats(one, box, beat_ms)
        except Trouble as trouble:
            self.notes.append(f'{side}, {name(tls)}, {count} clients: {trouble}')
        finally:
            one.end()
            self.drop_box(tls)
        return figures

    def _settled(self, one, side):
        """Resident memory once it stands still."""
        last = 0
        for _ in range(20):
            if side == 'sdk':
                one.ask('gc')
            now = rss(one.child.pid)
            if abs(now - last) < 32 * 1024:
                break
            last = now
            time.sleep(0.25)
        return now

    def _heartbeats(self, one, box, beat_ms):
        """CPU of the client process for each heartbeat, over some seconds of nothing else."""
        def beats():
            return box.call('/counters')['unread']
        first, cpu = beats(), one.ask('cpu')['us']
        time.sleep(2 if self.quick else max(beat_ms / 1000, 3))
        last, cpu = beats(), one.ask('cpu')['us'] - cpu
        return cpu / (last - first) if last > first else None

    def _idle_rows(self, tls, found):
        ours, sdk, kind = found['ours'] | found.get('many', {}), found.get('sdk', {}), name(tls)
        if 1 in found['ours']:
            self.row(f'rss_one_{kind}', f'resident memory with one client, {kind}', 'MB', found['ours'][1]['rss'] / 2**20,
                     sdk[1]['rss'] / 2**20 if 1 in sdk else None)
        for figure, what, unit in (('each', 'each further idle client, of {:,}', 'KB'),
                                   ('beat', 'CPU for each heartbeat, {:,} clients', 'us')):
            for count in (100, 1000, 10000):
                if count in ours and ours[count].get(figure):
                    budget = (20 if tls else 3) if count == 10000 and figure == 'each' else None
                    self.row(f'{figure}_{count}_{kind}', f'{what.format(count)}, {kind}', unit, ours[count][figure],
                             sdk.get(count, {}).get(figure), budget=budget)

    def receive(self):
        for tls, budget in ((False, 300), (True, 250)):
            kind = name(tls)
            ours = self._pushed('ours', tls)
            sdk = self._pushed('sdk', tls) if self.sdk else None
            self.row(f'receive_{kind}', f'messages received for a second of CPU, {kind}', 'thousand', ours, sdk,
                     more_is_better=True, budget=budget)
            self.row(f'receive_{kind}_own_thread', f'the same on the caller\'s thread (ioThreads=0), {kind}', 'thousand',
                     self._pushed('ours', tls, io_threads=0), sdk, more_is_better=True, budget=budget)
        self.row('receive_pages', 'the same by fetched pages of 10, acknowledged, plain', 'thousand',
                 *[self._waiting(side) for side in self.sides()], more_is_better=True)
        self.row('receive_single', 'CPU for a message that comes alone (notice, fetch, ack), plain', 'us',
                 *[self._alone(side) for side in self.sides()])

    def _pushed(self, side, tls, bursts=1, **options):
        """Frames of one text message each, waiting in the socket. Of several bursts the best of the later half counts."""
        box = self.box(tls)
        user = box.fresh_user()
        count = 2000 if self.quick else 6000 if side == 'sdk' else 20000
        relay = Relay(box.info['url'])
        one = self.start(side, self.env(box, user, relay.url, **options))
        try:
            one.ask('clients', 1, event='online')
            self._settled(one, side)
            found = []
            for burst in range(bursts):
                relay.hold()
                size = 0
                for i in range(count):
                    frame = text_frame(900000000000000000 + burst * count + i, f'bench{user}')
                    size += len(frame) + 4 + (22 if tls else 0)
                    box.call('/raw', {'user': f'bench{user}', 'hex': frame.hex()})
                one.ask('expect', count)
                before = one.ask('cpu')['us']
                relay.let_go(size)
                found.append(count * 1000 / (one.take('received')['us'] - before))
            return max(found[bursts // 2:])
        finally:
            one.end()
            relay.end()

    def _waiting(self, side):
        """Messages that waited while their receiver was away."""
        box = self.box(False)
        user = box.fresh_user()
        count = 1000 if self.quick else 9000
        for i in range(count):
            box.call('/push', {'user': f'bench{user}', 'from': 'alice', 'text': f'{i}: shall we meet at half past eight?'})
        one = self.start(side, self.env(box, user))
        try:
            one.ask('expect', count)
            one.ask('clients', 1, event='online')
            return count * 1000 / one.take('received')['since_first_us']
        finally:
            one.end()

    def _alone(self, side):
        box = self.box(False)
        user = box.fresh_user()
        count = 200 if self.quick else 1000
        one = self.start(side, self.env(box, user))
        try:
            one.ask('clients', 1, event='online')
            self._settled(one, side)
            before = one.ask('cpu')['us']
            for i in range(count):
                one.ask('expect', 1)
                box.call('/push', {'user': f'bench{user}', 'from': 'alice', 'text': f'{i}: are you there?'})
                after = one.take('received')['us']
            return (after - before) / count
        finally:
            one.end()

    def latency(self):
        count = 500 if self.quick else 5000
        for tls in (False, True):
            box = self.box(tls)
            user, other = box.fresh_user(), box.fresh_user()
            kind, found = name(tls), {}
            for side, options in [('ours', {}), ('own', {'io_threads': 0}), ('sdk', {})]:
                if side == 'sdk' and not self.sdk:
                    continue
                one = self.start('sdk' if side == 'sdk' else 'ours', self.env(box, user, **options))
                try:
                    one.ask('clients', 1, event='online')
                    one.ask('send', 200, f'bench{other}', event='latency')  # warm
                    before = cpu_ns(box.process.child.pid)
                    found[side] = one.ask('send', count, f'bench{other}', event='latency')
                    if side == 'ours':
                        share = (cpu_ns(box.process.child.pid) - before) / count / 1000
                finally:
                    one.end()
            self.row(f'ack_sandbox_{kind}', f'CPU of the sandbox for each message sent, {kind}', 'us', share)
            for what, budget in (('median', 80), ('p99', 200)):
                values = {side: figures[f'{what}_ns'] / 1000 for side, figures in found.items()}
                self.row(f'ack_{what}_{kind}', f'send to ack, {what}, {kind}', 'us', values['ours'], values.get('sdk'),
                         budget=None if tls else budget)
                self.row(f'ack_{what}_{kind}_own_thread', f'the same on the caller\'s thread (ioThreads=0), {what}, {kind}',
                         'us', values['own'], values.get('sdk'), budget=None if tls else budget)

    def languages(self):
        """What a message costs in Python, and a bot that answers each, beside the same bot with the SDK."""
        if not self.python:
            self.notes.append('no Python with the package eim: scripts/test-python.sh makes one')
            return
        rounds = 1 if self.quick else 5 # in turns, the best of each: what is wanted is the difference
        costs = [[1e6 / self._pushed(side, False) for side in ('ours', 'python')] for _ in range(rounds)]
        in_c, in_python = (min(costs_of) for costs_of in zip(*costs))
        self.row('event_c', 'a received message in C, socket to callback, CPU', 'ns', in_c)
        self.row('event_python', 'the same in Python, handler and all', 'ns', in_python)
        self.row('event_python_more', 'what Python adds', 'ns', in_python - in_c)
        if self.java:
            java = 1e6 / self._pushed('java', False, bursts=4 if self.quick else 12)
            self.row('event_java', 'the same in Java, once its compiler is done', 'ns', java)
            self.row('event_java_more', 'what Java adds', 'ns', java - in_c)
            one = self.start('java', dict(os.environ))
            self.row('event_java_alone', 'a result in Java: queue, poll, JNI, handler', 'ns',
                     min(one.ask('results', 100000 if self.quick else 1000000)['ns'] for _ in range(3)))
            one.end()
            found = self._echo('java', bursts=3)
            self.row('echo_java', 'messages answered by an echo bot in Java, a second', 'messages', found['count'] * 1e6 / found['wall_us'])
        bots = {side: self._echo(side) for side in ['python'] + (['sdk'] if self.sdk else [])}
        for figure, what in (('wall_us', 'a second'), ('us', 'a second of CPU of the bot')):
            per_second = {side: found['count'] * 1e6 / found[figure] for side, found in bots.items()}
            self.row(f'echo_{figure}', f'messages answered by an echo bot (libeim: Python), {what}', 'messages',
                     per_second['python'], per_second.get('sdk'), more_is_better=True)

    def _echo(self, side, bursts=1):
        """Messages that wait for the bot all at once; it answers each, and each answer is acknowledged."""
        box = self.box(False)
        user = box.fresh_user()
        count = 500 if self.quick else 5000
        relay = Relay(box.info['url'])
        one = self.start(side, self.env(box, user, relay.url))
        try:
            one.ask('clients', 1, event='online')
            self._settled(one, side)
            for burst in range(bursts):
                relay.hold()
                size = 0
                for i in range(count):
                    frame = text_frame(900000000000000000 + burst * count + i, f'bench{user}')
                    size += len(frame) + 4
                    box.call('/raw', {'user': f'bench{user}', 'hex': frame.hex()})
                one.ask('echo', count)
                relay.let_go(size)
                found = one.take('echoed') | {'count': count}
            return found
        finally:
            one.end()
            relay.end()

    def instructions(self):
        if not shutil.which('valgrind'):
            self.notes.append('no valgrind: instructions were not counted')
            return
        many = 1000000
        costs = [callgrind([str(self.build / 'tests/bench/eim-bench-log'), str(many), mode]) for mode in ('on', 'off')]
        self.row('log_disabled', 'a log line below its level', 'instructions', (costs[0] - costs[1]) / many)
        few, more = (self._counted_messages(n) for n in ((200, 1200) if self.quick else (500, 4500)))
        self.row('receive_instructions', 'a received message, socket to callback (ioThreads=0, plain)', 'instructions',
                 (more - few) / (1000 if self.quick else 4000))

    def _counted_messages(self, count):
        box = self.box(False)
        user = box.fresh_user()
        relay = Relay(box.info['url'])
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / 'out'
            one = Lines(['valgrind', '--tool=callgrind', '-q', f'--callgrind-out-file={out}', self.program, 'run'],
                        self.env(box, user, relay.url, io_threads=0))
            try:
                one.ask('clients', 1, event='online')
                relay.hold()
                size = 0
                for i in range(count):
                    frame = text_frame(900000000000000000 + i, f'bench{user}')
                    size += len(frame) + 4
                    box.call('/raw', {'user': f'bench{user}', 'hex': frame.hex()})
                one.ask('expect', count)
                relay.let_go(size)
                one.take('received')
                one.tell('quit')
                one.child.wait(PATIENCE)
                return instructions_of(out)
            finally:
                one.end()
                relay.end()

    def size(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / 'libeim.so'
            shutil.copy(self.build / 'core/libeim.so', copy)
            subprocess.run(['strip', copy], check=True)
            ours = copy.stat().st_size / 1024
        sdk = None
        if self.sdk:
            sdk = (self.sdk / 'node_modules/easemob-websdk/miniProgram/Easemob-chat.js').stat().st_size / 1024
        self.row('size', 'libeim.so, stripped; the SDK\'s minified bundle', 'KB', ours, sdk, budget=300)

    def end(self):
        for tls in list(self.sandboxes):
            self.drop_box(tls)


# ------------------------------------------------------------------ small things

def name(tls):
    return 'TLS' if tls else 'plain'


def rss(pid):
    for line in open(f'/proc/{pid}/smaps_rollup'):
        if line.startswith('Rss:'):
            return int(line.split()[1]) * 1024
    raise Trouble('no resident memory')


def cpu_ns(pid):
    return sum(int(task.read_text().split()[0]) for task in Path(f'/proc/{pid}/task').glob('*/schedstat'))


def instructions_of(path):
    for line in open(path):
        if line.startswith(('totals:', 'summary:')):
            return int(line.split()[1])
    raise Trouble('callgrind counted nothing')


def callgrind(args):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'out'
        subprocess.run(['valgrind', '--tool=callgrind', '-q', f'--callgrind-out-file={out}'] + args, check=True,
                       stdout=subprocess.DEVNULL)
        return instructions_of(out)


def show(value):
    if value is None:
        return '–'
    return f'{value:,.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def machine():
    text = Path('/proc/cpuinfo').read_text()
    model = re.search(r'model name\s*: (.*)', text)
    system = re.search(r'PRETTY_NAME="(.*)"', Path('/etc/os-release').read_text())

    def version(package):
        found = subprocess.run(['pkg-config', '--modversion', package], capture_output=True, text=True)
        return found.stdout.strip() or '?'
    return {'date': date.today().isoformat(), 'load': round(os.getloadavg()[0], 2), 'cores': os.cpu_count(), 'cpu': model.group(1) if model else platform.machine(),
            'system': system.group(1) if system else platform.platform(), 'kernel': platform.release(),
            'libwebsockets': version('libwebsockets').split('-')[0], 'libuv': version('libuv'),
            'openssl': version('openssl'), 'libcurl': version('libcurl'),
            'node': subprocess.run(['node', '--version'], capture_output=True, text=True).stdout.strip()
            if shutil.which('node') else None}


def table(rows):
    """As Markdown: it goes into docs/performance.md like this."""
    lines = ['| | libeim | easemob-websdk 4.8.1 | ratio | budget |', '| :-- | --: | --: | --: | :-- |']
    for row in rows:
        budget = '' if row['budget'] is None else f'{show(row["budget"])} {"met" if row["within_budget"] else "**missed**"}'
        ratio = f'{show(row["ratio"])} x' if row.get('ratio') else ''
        lines.append(f'| {row["what"]} ({row["unit"]}) | {show(row["ours"])} | '
                     f'{show(row["sdk"]) if row["sdk"] is not None else ""} | {ratio} | {budget} |')
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=Path)
    parser.add_argument('--sdk', type=Path, help='folder with sdk.mjs, wx-shim.mjs and node_modules')
    parts = ['start_up', 'idle', 'receive', 'latency', 'languages', 'instructions', 'size']
    parser.add_argument('--python', type=Path, help='a Python that has the package eim')
    parser.add_argument('--java', help='a class path that has libeim.jar and what it needs')
    parser.add_argument('--only', help='comma-separated: ' + ', '.join(parts))
    parser.add_argument('--quick', action='store_true', help='fewer of everything: a look, not a figure')
    parser.add_argument('--out', type=Path, help='default: BUILD/../bench')
    args = parser.parse_args()
    only = args.only.split(',') if args.only else parts
    if set(only) - set(parts):
        parser.error('--only: ' + ', '.join(parts))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard >= 0 else 65536, hard))
    except (OSError, ValueError):
        pass
    bench = Bench(args.build, args.sdk, args.python, args.java, args.quick)
    about = machine()
    began = time.monotonic()
    print(', '.join(f'{key} {value}' for key, value in about.items()), flush=True)
    print('libeim / easemob-websdk:' if args.sdk else 'libeim:', flush=True)
    status = 0
    for part in only:
        try:
            getattr(bench, part)()
        except (Trouble, OSError, http.client.HTTPException, subprocess.SubprocessError) as trouble:
            bench.notes.append(f'{part} ended early: {trouble!r}')
            print('  ' + bench.notes[-1], flush=True)
            status = 1
    bench.end()
    seconds = time.monotonic() - began
    print('\n' + table(bench.rows))
    print(f'\nRatios: how many times better libeim is. Took {seconds:.0f} s.')
    for note in bench.notes:
        print('Note: ' + note)
    out = args.out or args.build.resolve().parent / 'bench'
    out.mkdir(parents=True, exist_ok=True)
    (out / 'results.json').write_text(json.dumps({'machine': about, 'seconds': seconds, 'notes': bench.notes,
                                                  'figures': bench.rows}, indent=1) + '\n')
    (out / 'results.md').write_text(table(bench.rows) + '\n')
    print(f'Saved: {out}/results.json')
    return status


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
