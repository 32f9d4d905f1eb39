import type { CredentialView } from '../../../api/credentials.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { CredentialId, OrganizationId } from '../../../core/ids.ts';
import type { CredentialInfo } from '../../../ipc/messages.ts';
import { ADMIN } from '../../acts.ts';
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

export function credentialRoutes(deps: ControlDeps): Handlers<Names> {
  const { authority, vaults, boot } = deps;
  const wanted = () => wantedBindings(effective(deps), boot.node.sandboxOrigin);
  const view = (info: CredentialInfo): CredentialView =>
    viewOfCredential(info, vaults.shardOf(info.binding.id), wanted().get(info.binding.id)?.providers ?? []);
  return {
    'credentials.list': async () => {
      const shards = await vaults.listAll();
      const credentials = shards
        .flatMap((shard) => shard.credentials)
        .map(view)
        .sort((a, b) => a.id.localeCompare(b.id));
      const present = new Set(credentials.map(({ id }) => id));
      const missing = [...wanted()].filter(([id]) => !present.has(id)).map(([id, { providers }]) => ({ id, providers: [...providers] }));
      return { credentials, missing, refused: shards.flatMap((shard) => shard.refused.map(({ id, reason }) => ({ id, reason }))) };
    },
    'credentials.show': async ({ id }) => view(await findCredential(deps, credentialId(id))),
    'credentials.put': async ({ id: text, body }) => {
      const id = newCredentialId(text);
      refuseDeclared(deps, id);
      const organization =
        body.organization === undefined ? undefined : ((await findOrganization(deps.db, body.organization)).id as OrganizationId);
      const binding = await bindingFor(deps, { id, organization });
      const permit = await authority.permit(ADMIN, 'credential.put', `credential/${id}`, {
        origin: binding.origin,
        organization: binding.organization,
      });
      const info = await putCredential(deps, permit, binding, body.sealed);
      await deps.config.refresh();
      return view(info);
    },
    'credentials.remove': async ({ id: text }) => {
      const { binding } = await findCredential(deps, credentialId(text));
      refuseDeclared(deps, binding.id);
      const permit = await authority.permit(ADMIN, 'credential.remove', `credential/${binding.id}`, { origin: binding.origin });
      await removeCredential(deps, permit);
      return { id: binding.id, removed: true };
    },
    'credentials.try': async ({ id: text }) => {
      const { binding } = await findCredential(deps, credentialId(text));
      const permit = await authority.permit(ADMIN, 'credential.try', `credential/${binding.id}`, { origin: binding.origin });
      return tryCredential(deps, permit, binding.id);
    },
    'credentials.ceilings': async ({ id: text, body }) => {
      const { binding } = await findCredential(deps, credentialId(text));
      const permit = await authority.permit(ADMIN, 'credential.ceilings', `credential/${binding.id}`, { ...body });
      return view(await setCeilings(deps, permit, withCeilings(binding, body)));
    },
  };
}

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
