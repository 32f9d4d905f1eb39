import { fail, ok, type Result } from '../core/result.ts';

/** A provider's address in the two parts that the vault binds: where to connect, and which paths. */
export interface UpstreamUrl {
  /** `https://api.openai.com`; the port is absent where it is the scheme's own. */
  readonly origin: string;
  /** `/v1`, or empty; no trailing slash. */
  readonly basePath: string;
}

export interface UrlProblem {
  readonly reason: string;
  readonly remedy: string;
}

/** Networks that are never a public upstream (IANA special-purpose registry): first address and prefix length. */
const NOT_PUBLIC_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const ipv4Bits = (text: string): number => text.split('.').reduce((bits, part) => bits * 256 + Number(part), 0);

const isNotPublicIpv4 = (host: string): boolean =>
  NOT_PUBLIC_IPV4.some(
    ([network, prefix]) => Math.floor(ipv4Bits(host) / 2 ** (32 - prefix)) === Math.floor(ipv4Bits(network) / 2 ** (32 - prefix)),
  );

/** Only 2000::/3 is global unicast; the ranges in it that carry an IPv4 address inside count as private too. */
const isNotPublicIpv6 = (host: string): boolean => !/^[23][0-9a-f]{3}:/.test(host) || /^2002:|^2001:0?:/.test(host);

/**
 * True for a host, as `URL.hostname` writes it, that can only be on this machine or an internal network. Other names are not looked up:
 * this serves the words of `config check`, and the vault decides again on the address it connects to.
 */
function isPrivateHost(host: string): boolean {
  if (host.startsWith('[')) return isNotPublicIpv6(host.slice(1, -1));
  if (IPV4.test(host)) return isNotPublicIpv4(host);
  return !host.includes('.') || /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)\.?$/.test(host);
}

const wrong = (reason: string, remedy: string): Result<never, UrlProblem> => fail({ reason, remedy });

/** Splits a `base_url`, or says why it is refused. The text is judged before the URL parser could repair it. */
export function parseUpstreamUrl(text: string, network: 'public' | 'private'): Result<UpstreamUrl, UrlProblem> {
  const scheme = /^(https?):\/\/([^/?#]+)(\/[^?#]*)?([?#].*)?$/.exec(text);
  if (scheme === null || !URL.canParse(text)) return wrong('base_url is not a URL', 'Write it like https://api.example.com/v1.');
  const [, , authority = '', path = '', tail] = scheme;
  if (authority.includes('@'))
    return wrong('base_url holds a user name or password', 'Leave it out; credentials are added with: bulkhead credential add.');
  if (tail !== undefined) return wrong('base_url has a query or fragment', 'Leave out everything from `?` or `#`.');
  if (!/^[\x21-\x7e]*$/.test(text) || /[\\%]/.test(text))
    return wrong(
      'base_url holds a character that is not plain',
      'Use letters, digits and `-._~/` only; write other host names in punycode.',
    );
  if (/\/\.{1,2}(?:\/|$)|\/\//.test(path))
    return wrong('the path of base_url has an empty or dotted segment', 'Write the path without `.`, `..` and `//`.');
  const url = new URL(text);
  if (network === 'public' && isPrivateHost(url.hostname)) {
    return wrong('base_url names this machine or a private network', 'Add `private: true` to this provider if that is meant.');
  }
  if (network === 'public' && url.protocol === 'http:') {
    return wrong(
      'base_url is plain http, so the credential would travel readable',
      'Use https, or add `private: true` if the host is on a private network.',
    );
  }
  return ok({ origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') });
}

/** `http://host:port` and nothing else. */
export function isProxyUrl(text: string): boolean {
  const match = /^http:\/\/([^/?#@\s\\%]+):(\d{1,5})\/?$/.exec(text);
  return match !== null && URL.canParse(text) && Number(match[2]) > 0 && Number(match[2]) <= 65_535;
}
