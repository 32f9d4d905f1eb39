/**
 * Shapes of secrets that must not be in a configuration file, comments included. The list errs on the side of naming a
 * vendor's prefix; a secret of no known shape is caught by there being no field to put it in.
 */
const SHAPES: readonly { readonly what: string; readonly shape: RegExp }[] = [
  { what: 'an Anthropic key', shape: /\bsk-ant-[A-Za-z0-9_-]{8,}/ },
  { what: 'a provider key', shape: /\b(?:sk|rk|pk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9_]{16,}/ },
  { what: 'a provider key', shape: /\b(?:gsk|xai|pplx|hf|r8|nvapi|fw|tgp|csk|co|dop_v1)[-_][A-Za-z0-9_-]{20,}/ },
  { what: 'a Google key', shape: /\bAIza[A-Za-z0-9_-]{30,}/ },
  { what: 'an AWS key', shape: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: 'a GitHub token', shape: /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})/ },
  { what: 'a Slack token', shape: /\bxox[abeprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a virtual key', shape: /\bbh_[a-z0-9]{1,12}_[A-Za-z0-9]{20,}/ },
  { what: 'an admin token', shape: /\bbha_[A-Za-z0-9_-]{20,}/ },
  { what: 'a signed token', shape: /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*/ },
  { what: 'a bearer token', shape: /\bBearer\s+[A-Za-z0-9._~+/-]{16,}/i },
  { what: 'a private key', shape: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/ },
];

export interface SecretSighting {
  readonly what: string;
  /** Offset of its first character. */
  readonly offset: number;
}

/** Every place in `text` that looks like a secret, one per place, in order. */
export function findSecrets(text: string): readonly SecretSighting[] {
  const byOffset = new Map<number, SecretSighting>();
  for (const { what, shape } of SHAPES) {
    for (const match of text.matchAll(new RegExp(shape, `${shape.flags}g`))) {
      if (!byOffset.has(match.index)) byOffset.set(match.index, { what, offset: match.index });
    }
  }
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
}

/** `text` with everything that looks like a secret replaced: for messages that may repeat what a user typed. */
export const redactSecrets = (text: string): string =>
  SHAPES.reduce((safe, { shape }) => safe.replace(new RegExp(shape, `${shape.flags}g`), '[secret]'), text);
