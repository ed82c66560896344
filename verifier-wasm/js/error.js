// Why something can't be done: a code for programs, a sentence for people that says what to do.

export class SignetError extends Error {
  constructor(code, message, { reason = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SignetError';
    this.code = code;
    this.reason = reason;
  }
}
