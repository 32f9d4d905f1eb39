import type { CredentialView } from '../../../api/credentials.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { CredentialId, OrganizationId } from '../../../core/ids.ts';
import type { CredentialInfo } from '../../../ipc/messages/vault.ts';
import { wantedBindings } from '../../bindings.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { findOrganization } from '../organizations/service.ts';
import {
  bindingFor,
  credentialId,
  effective,
  findCredential,
  putCredential,
  refuseDeclared,
  removeCredential,
  setCeilings,
  tryCredential,
} from './service.ts';
import { viewOfCredential, withCeilings } from './view.ts';

type Names =
  | 'credentials.list'
  | 'credentials.show'
  | 'credentials.put'
  | 'credentials.remove'
  | 'credentials.try'
  | 'credentials.ceilings';

export const credentialRoutes = (deps: ControlDeps): Handlers<Names> => ({ ...reading(deps), ...changing(deps) });

const wanted = (deps: ControlDeps) => wantedBindings(effective(deps), deps.boot.node.sandboxOrigin);

const viewOf = (deps: ControlDeps, info: CredentialInfo): CredentialView =>
  viewOfCredential(info, deps.vaults.shardOf(info.binding.id), wanted(deps).get(info.binding.id)?.providers ?? []);

const reading = (deps: ControlDeps): Handlers<'credentials.list' | 'credentials.show'> => ({
  'credentials.list': async () => {
    const shards = await deps.vaults.listAll();
    const credentials = shards.flatMap((shard) => shard.credentials).map((info) => viewOf(deps, info));
    const present = new Set(credentials.map(({ id }) => id));
    const { asleep } = deps.config.unserved;
    const missing = [...wanted(deps)]
      .map(([id, { providers }]) => ({ id, providers: providers.filter((provider) => !asleep.has(provider)) }))
      .filter(({ id, providers }) => !present.has(id) && providers.length > 0);
    const refused = shards.flatMap((shard) => shard.refused.map(({ id, reason }) => ({ id, reason })));
    return { credentials: credentials.sort((one, other) => one.id.localeCompare(other.id)), missing, refused };
  },
  'credentials.show': async ({ id }) => viewOf(deps, await findCredential(deps, credentialId(id))),
});

/** Each looks first, then asks for its permit, then acts. */
const changing = (deps: ControlDeps): Handlers<Exclude<Names, 'credentials.list' | 'credentials.show'>> => ({
  'credentials.put': async ({ id: text, body, by }) => {
    const id = newCredentialId(text);
    refuseDeclared(deps, id);
    const organization =
      body.organization === undefined ? undefined : ((await findOrganization(deps.db, body.organization)).id as OrganizationId);
    const binding = await bindingFor(deps, { id, organization });
    const facts = { origin: binding.origin, organization: binding.organization };
    const permit = await deps.authority.permit(by, 'credential.put', `credential/${id}`, facts);
    const info = await putCredential(deps, permit, binding, body.sealed);
    await deps.config.refresh(id);
    return viewOf(deps, info);
  },
  'credentials.remove': async ({ id, by }) => {
    const { binding } = await findCredential(deps, credentialId(id));
    refuseDeclared(deps, binding.id);
    const permit = await deps.authority.permit(by, 'credential.remove', `credential/${binding.id}`, { origin: binding.origin });
    await removeCredential(deps, permit);
    await deps.config.refresh(binding.id);
    return { id: binding.id, removed: true };
  },
  'credentials.try': async ({ id, by }) => {
    const { binding } = await findCredential(deps, credentialId(id));
    const permit = await deps.authority.permit(by, 'credential.try', `credential/${binding.id}`, { origin: binding.origin });
    return tryCredential(deps, permit, binding.id);
  },
  'credentials.ceilings': async ({ id, body, by }) => {
    const { binding } = await findCredential(deps, credentialId(id));
    const permit = await deps.authority.permit(by, 'credential.ceilings', `credential/${binding.id}`, { ...body });
    return viewOf(deps, await setCeilings(deps, permit, withCeilings(binding, body)));
  },
});

function newCredentialId(text: string): CredentialId {
  try {
    return credentialId(text);
  } catch (cause) {
    throw new BulkheadError(
      'invalid_field',
      { field: 'id', reason: 'it must be lower-case letters, digits, `-`, `_` or `.`, at most 64' },
      { cause },
    );
  }
}
