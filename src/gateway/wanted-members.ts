import { PROVIDER_KINDS } from '../providers/registry.ts';
import { NATIVE } from '../wire/native.ts';
import type { WireProtocolId } from '../wire/protocol.ts';
import { namesIn } from './member-rules.ts';

const WANTED: ReadonlyMap<WireProtocolId, ReadonlySet<string>> = new Map(
  (Object.keys(NATIVE) as WireProtocolId[]).map((protocol) => [
    protocol,
    new Set([...NATIVE[protocol].passThrough.requestMembers, ...userMembers(protocol), ...ruledNames(protocol)]),
  ]),
);

function userMembers(protocol: WireProtocolId): readonly string[] {
  return (NATIVE[protocol].passThrough.endUser ?? []).map(([member]) => member);
}

/** What the members' rules of any provider that speaks this protocol look for. */
function ruledNames(protocol: WireProtocolId): readonly string[] {
  const operations = [...PROVIDER_KINDS.values()].flatMap((kind) => Object.values(kind.operations).flat());
  return operations
    .filter((operation) => operation.protocol === protocol)
    .flatMap(({ members }) => (members === undefined ? [] : namesIn(members)));
}

/** Top-level members of a request that must be found in its bytes: what the protocol names, what says who the end user is, and what some provider's rules look for. */
export const wantedMembers = (protocol: WireProtocolId): ReadonlySet<string> => WANTED.get(protocol) ?? NONE;

const NONE: ReadonlySet<string> = new Set();
