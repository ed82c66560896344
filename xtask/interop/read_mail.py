"""Says what a mail program sees of a message: one JSON object.

usage: python read_mail.py FILE
"""

import email
import email.policy
import json
import re
import sys

with open(sys.argv[1], "rb") as file:
    raw = file.read()
message = email.message_from_bytes(raw, policy=email.policy.default)
text = message.get_body(["plain"])
html = message.get_body(["html"])
# What a mail program would fetch to show it.
REMOTE = re.compile(
    r"(?i)(?:src|srcset|background|poster|data)\s*=|url\(|@import|<(?:img|link|script|iframe|object)"
)
token = re.search(r"#token=([A-Za-z0-9_-]{43})", text.get_content()) if text else None
print(
    json.dumps(
        {
            "to": message["To"],
            "from": message["From"],
            "from_name": message["From"].addresses[0].display_name,
            "longest_line": max(len(line) for line in raw.split(b"\r\n")),
            "is_ascii": raw.isascii(),
            "headers": sorted({name.lower() for name in message.keys()}),
            "text": text and text.get_content(),
            "remote": REMOTE.findall(html.get_content()) if html else None,
            "subject": message["Subject"],
            "message_id": message["Message-ID"],
            "date": message["Date"],
            "auto_submitted": message["Auto-Submitted"],
            "type": message.get_content_type(),
            "has_html": html is not None,
            "token": token and token.group(1),
            "defects": [repr(defect) for defect in message.defects],
        }
    )
)
