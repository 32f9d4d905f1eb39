import { EVERYONE, type OwnerRef, type Owners } from '../core/owner.ts';

/** Whether a rule of this owner counts the request. */
export function ownedBy(owners: Owners, { kind, id }: OwnerRef): boolean {
  switch (kind) {
    case 'organization':
      return id === owners.organization || id === EVERYONE.id;
    case 'team':
      return id === owners.team;
    case 'project':
      return id === owners.project;
    case 'key':
      return id === owners.key;
    case 'user':
      return id === owners.user;
    case 'end_user':
      return owners.endUser !== undefined && id === `${owners.organization}/${owners.endUser}`;
    case 'tag':
      return owners.tags?.some((tag) => id === `${owners.organization}/${tag}`) ?? false;
  }
}

/** Whether a rule for `model` (exact, or a prefix that ends in `/*`; absent: all) counts requests for this alias. */
export function isFor(model: string | undefined, alias: string): boolean {
  if (model === undefined || model === alias) return true;
  return model.endsWith('/*') && alias.startsWith(model.slice(0, -1));
}
