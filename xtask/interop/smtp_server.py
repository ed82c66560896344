"""A real SMTP server that writes each message it takes into a folder.

usage: python smtp_server.py PORT FOLDER
"""

import pathlib
import sys
import time

from aiosmtpd.controller import Controller

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])


class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        part = folder / f"{Keep.count}.part"
        part.write_bytes(envelope.content)
        part.rename(folder / f"{Keep.count}.eml")
        return "250 taken"


controller = Controller(Keep(), hostname="127.0.0.1", port=port)
controller.start()
while True:
    time.sleep(3600)
