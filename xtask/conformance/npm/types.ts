// What TypeScript makes of the package's types: this compiles, and each line that shouldn't says so.
import { type Decision, Gate, type Identity, SignetError } from '@signet/verifier';

export async function use(policy: object): Promise<Response | Request> {
  using gate = await Gate.load({ policy, leeway: 30n, feedUrl: false, now: () => 0n });
  const decision: Decision = gate.decide({ method: 'GET', target: '/', headers: new Headers() });
  if (decision.isAllowed) {
    const identity: Identity | null = decision.identity;
    // @ts-expect-error what is allowed has no answer
    decision.answer.body;
    identity?.can('agents:read');
  } else {
    const retry: string | undefined = decision.answer.headers['retry-after'];
    if (decision.code === 'reauthentication_required') return Response.json(retry);
    // @ts-expect-error no such code
    decision.code === 'nonsense';
  }
  // @ts-expect-error Node.js's headers have lost what came twice
  gate.decide({ method: 'GET', target: '/', headers: { authorization: 'Bearer x' } });
  // @ts-expect-error a target is needed
  await gate.decideFresh({ method: 'GET', headers: [] });
  // @ts-expect-error no such option
  await Gate.load({ policy, leway: 3 });
  // @ts-expect-error gates are loaded
  new Gate();
  try {
    gate.verify('token').claims['name'];
  } catch (error) {
    if (error instanceof SignetError) error.reason?.length;
  }
  gate.decide({ method: 'GET', target: '/', headers: ['Host', 'example.com'] satisfies readonly string[] });
  return gate.admit(new Request('https://api.example.com/'));
}
