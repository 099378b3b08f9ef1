// Reads WWW-Authenticate: which schemes a server offers, and the token a scheme sent along. [RFC 9110] 11.6.1 WWW-Authenticate. Servers put one
// challenge on each header line or several on one, separated by the same commas that separate parameters.

/** One challenge. `token` is the token68 after the scheme, as Negotiate uses it; parameters are not kept but for `realm`. */
export interface Challenge {
  /** As written by the server. */
  readonly scheme: string;
  readonly token: string | undefined;
  readonly realm: string | undefined;
}

/** Challenges beyond this many on one answer are not read. */
export const CHALLENGE_LIMIT = 32;

const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
/** A parameter (`name=value` or `name="value"`), or a scheme with an optional token68 that is not the start of a parameter. */
const PIECE = new RegExp(
  `\\s*(?:(?<name>${TOKEN})[ \\t]*=[ \\t]*(?:"(?<quoted>(?:[^"\\\\]|\\\\.)*)"|(?<bare>${TOKEN}))(?=[ \\t]*(?:,|$))` +
    `|(?<scheme>${TOKEN})(?:[ \\t]+(?<token>[A-Za-z0-9._~+/-]+=*)(?=[ \\t]*(?:,|$)))?)[ \\t]*,?`,
  'y',
);

/** Reads the values of all WWW-Authenticate headers of an answer. What cannot be read is passed over, never thrown. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  const found: { scheme: string; token: string | undefined; realm: string | undefined }[] = [];
  for (const header of headers) {
    let at = 0;
    let current: (typeof found)[number] | undefined;
    while (at < header.length && found.length < CHALLENGE_LIMIT) {
      PIECE.lastIndex = at;
      const groups = PIECE.exec(header)?.groups;
      if (groups === undefined) {
        at++;
        continue;
      }
      at = PIECE.lastIndex;
      const { scheme, token, name, quoted, bare } = groups;
      if (scheme !== undefined) {
        current = { scheme, token, realm: undefined };
        found.push(current);
      } else if (current !== undefined && name?.toLowerCase() === 'realm') {
        current.realm = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare;
      }
    }
  }
  return found;
}

/** The challenge of a scheme, compared without case. */
export function findChallenge(challenges: readonly Challenge[], scheme: string): Challenge | undefined {
  return challenges.find((challenge) => challenge.scheme.toLowerCase() === scheme.toLowerCase());
}
