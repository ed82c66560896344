// The installed package in Node.js, by `require`.
const assert = require('node:assert/strict');
const { Gate, SignetError } = require('@signet/verifier');

assert.equal(typeof SignetError, 'function');
const policy = {
  version: 1, issuer: 'https://auth.example.com', audience: ['api'],
  rule: [{ id: 'health', path: '/healthz', allow: 'anyone' }],
};
Gate.load({ policy, offline: true }).then((gate) => {
  assert.equal(gate.decide({ method: 'GET', target: '/healthz', headers: [] }).rule, 'health');
  assert.equal(gate.decide({ method: 'GET', target: '/', headers: [] }).status, 401);
});
