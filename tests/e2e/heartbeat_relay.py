# SPDX-License-Identifier: Apache-2.0
"""Stands between an agent and a server without TLS, and keeps the bodies of its heartbeats."""
import re
import socket
import threading


class Relay:
    def __init__(self, server_port):
        self.server_port = server_port
        self.heartbeats = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()  # the server is away, and so are we
                continue
            for source, sink, look in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, look), daemon=True).start()

    def _pass_on(self, source, sink, look):
        seen = b""
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if look:
                    seen = self._take_requests(seen + data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _take_requests(self, seen):
        while (end := seen.find(b"\r\n\r\n")) >= 0:
            head = seen[:end].decode("latin-1")
            length = re.search(r"(?im)^content-length: *(\d+)", head)
            size = int(length.group(1)) if length else 0
            if len(seen) < end + 4 + size:
                break
            body, seen = seen[end + 4:end + 4 + size], seen[end + 4 + size:]
            if "/heartbeat" in head.split("\r\n")[0]:
                self.heartbeats.append(body)
        return seen
