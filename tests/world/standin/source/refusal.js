// A connect that is refused, with everything the gateway says about it.

export class No extends Error {
  constructor(code, message, { details, close = 1008, closeReason, cause, words } = {}) {
    super(message);
    Object.assign(this, { code, details, close, closeReason: closeReason ?? message, words });
    this.why = cause;
  }
}
