"""Says what a mail program sees of a message: one JSON object.

usage: python read_mail.py FILE
"""

import email
import email.policy
import json
import re
import sys

with open(sys.argv[1], "rb") as file:
    message = email.message_from_binary_file(file, policy=email.policy.default)
text = message.get_body(["plain"])
html = message.get_body(["html"])
token = re.search(r"#token=([A-Za-z0-9_-]{43})", text.get_content()) if text else None
print(
    json.dumps(
        {
            "to": message["To"],
            "from": message["From"],
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
