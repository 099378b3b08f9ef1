// What a client sent is not LDAP, or breaks a bound. Never leaves the server: it becomes a result code or a disconnection.

/** A request that cannot be understood; the message goes to the client as the diagnostic text. */
export class ProtocolFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProtocolFault';
  }
}
