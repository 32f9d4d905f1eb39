import type { NodeSpec } from '../config/node-spec.ts';
import { ROLES, type Layout, type Role } from '../core/process.ts';
import type { Folders } from './folders.ts';
import { bindTcp, bindUnix, type BoundSocket } from './sockets.ts';

/** Which role listens for which, as in docs/adr/0001-spine.md. */
const LISTENS: Readonly<Record<Role, readonly Role[]>> = {
  gateway: [],
  vault: ['gateway', 'control'],
  ledger: ['gateway', 'vault', 'control'],
  auditor: ['control', 'vault'],
  control: ['gateway'],
  sandbox: [],
};

/** One process of the node with the sockets it inherits. */
export interface Place {
  readonly role: Role;
  readonly index: number;
  /** By the name that `boot.listen` gives them. */
  readonly listen: ReadonlyMap<string, BoundSocket>;
}

export interface Topology {
  /** In the order in which they start. */
  readonly places: readonly Place[];
  /** Socket paths by the role that connects, then by the name of the listening process. */
  readonly connect: Readonly<Record<Role, Readonly<Record<string, string>>>>;
  readonly gatewayPort: number;
  readonly controlPort: number;
  readonly sandboxPort: number | null;
}

/** Binds every socket of the node. Throws in words when a port cannot be had. */
export function bindTopology(spec: NodeSpec, layout: Layout, folders: Folders): Topology {
  const gateways = bindTcp('The gateway', spec.gateway.host, spec.gateway.port, spec.gateway.workers);
  const [control] = bindTcp('The control port', spec.control.host, spec.control.port, 1);
  const [sandbox] = spec.sandbox ? bindTcp('The sandbox', '127.0.0.1', 0, 1) : [];
  const connect: Record<Role, Record<string, string>> = { gateway: {}, vault: {}, ledger: {}, auditor: {}, control: {}, sandbox: {} };
  const unix = (role: Role, name: string): Map<string, BoundSocket> =>
    new Map(
      LISTENS[role].map((from) => {
        const socket = bindUnix(folders, layout, from, name);
        connect[from][name] = socket.path;
        return [from, socket];
      }),
    );
  const place = (role: Role, index: number, http?: BoundSocket): Place => {
    const listen = unix(role, role === 'vault' ? `vault-${index}` : role);
    if (http !== undefined) listen.set('http', http);
    return { role, index, listen };
  };
  const counts: Readonly<Record<Role, number>> = {
    ledger: 1,
    auditor: 1,
    vault: spec.vault.shards,
    control: 1,
    gateway: spec.gateway.workers,
    sandbox: spec.sandbox ? 1 : 0,
  };
  const http: Partial<Record<Role, readonly (BoundSocket | undefined)[]>> = { gateway: gateways, control: [control], sandbox: [sandbox] };
  return {
    places: START_ORDER.flatMap((role) => Array.from({ length: counts[role] }, (_, index) => place(role, index, http[role]?.[index]))),
    connect,
    gatewayPort: gateways[0]?.port ?? 0,
    controlPort: control?.port ?? 0,
    sandboxPort: sandbox?.port ?? null,
  };
}

/** All start at once; the first ones get the processor first. */
const START_ORDER: readonly Role[] = ['control', 'vault', 'gateway', 'ledger', 'auditor', 'sandbox'].filter((role): role is Role =>
  (ROLES as readonly string[]).includes(role),
);

/** The ends of a node, in order: those who take work first, those who record it last. */
export const STOP_ORDER: readonly (readonly Role[])[] = [['gateway'], ['control'], ['vault', 'sandbox'], ['ledger'], ['auditor']];
