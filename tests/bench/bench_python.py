"""The twin of bench.c and sdk.mjs in Python: one blocking client, the same commands and lines of JSON.

clients 1 | expect N | echo N (answer N messages; "echoed" when the last answer is acknowledged) | cpu | quit
"""
import json
import os
import sys
import time

import eim

env = os.environ


def say(**line):
    print(json.dumps(line), flush=True)


def cpu():
    return time.process_time_ns() // 1000


state = {'received': 0, 'expected': -1, 'echo': 0, 'acked': 0, 'began': 0, 'cpu': 0}
client = eim.Client(env['EIM_BENCH_APP_KEY'], api_url=env['EIM_BENCH_API'], url=env['EIM_BENCH_URL'],
                    ca_file=env['EIM_BENCH_CA'] or None, max_pending_sends=100000)


def acked(request):
    request.result()
    state['acked'] += 1
    if state['acked'] == state['echo']:
        say(event='echoed', us=cpu() - state['cpu'], wall_us=(time.monotonic_ns() - state['began']) // 1000)


@client.on('message')
def heard(message):
    state['received'] += 1
    if state['echo']:
        if state['received'] == 1:
            state['began'], state['cpu'] = time.monotonic_ns(), cpu()
        client.send_nowait(message.reply(message.text)).add_done_callback(acked)
    elif state['received'] == state['expected']:
        message.text  # as the others do: the text of the last one is looked at
        say(event='received', count=state['received'], us=cpu())


for line in sys.stdin:
    word, *rest = line.split()
    if word == 'clients':
        client.open(user=env['EIM_BENCH_USERS'] + env['EIM_BENCH_FIRST'], password=env['EIM_BENCH_PASSWORD'])
        say(event='online', count=1, ns=time.monotonic_ns() - int(env['EIM_BENCH_T0']))
    elif word in ('expect', 'echo'):
        state.update(received=0, expected=int(rest[0]), echo=int(rest[0]) if word == 'echo' else 0, acked=0)
        say(event=word)
    elif word == 'cpu':
        say(event='cpu', us=cpu())
    elif word == 'quit':
        break
client.shutdown()
