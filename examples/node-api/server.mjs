// A service in front of which Signet decides, by the policy beside it: anyone with a token may see who
// they are, only admins may list the agents. It trusts the issuer that `cargo run` starts.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { Gate } from '@signet/verifier';

const { ISSUER = 'http://127.0.0.1:8080', PORT = '8082' } = process.env;
const rules = JSON.parse(readFileSync(new URL('policy.json', import.meta.url)));
const gate = await Gate.load({ policy: { ...rules, issuer: ISSUER } });

const ROUTES = {
  health: () => 'ok',
  whoami: ({ subject, sessionId }) => ({ subject, session: sessionId }),
  'list-agents': ({ subject }) => ({ agents: ['scribe', 'scout'], seen_by: subject }),
};

const server = createServer(async (req, res) => {
  try {
    const decision = await gate.decideFresh({ method: req.method, target: req.url, headers: req.rawHeaders });
    if (!decision.isAllowed) {
      const { status, headers, body } = decision.answer;
      res.writeHead(status, headers).end(body);
      return;
    }
    const answer = ROUTES[decision.rule](decision.identity);
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  } catch (error) {
    console.error(error);
    res.writeHead(503).end();
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));
