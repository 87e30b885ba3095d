/** What an application on Android needs beside {@code io.libeim}: the main thread, the network, the CAs of the device. */
package io.libeim.android;
