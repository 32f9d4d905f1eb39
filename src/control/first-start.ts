import { keyCreate } from '../api/keys.ts';
import { CONTROL } from './acts.ts';
import type { ControlDeps } from './deps.ts';
import { draftKey } from './resources/keys/draft.ts';
import { createKey, hasKeys } from './resources/keys/service.ts';
import { welcomeText } from './welcome.ts';

/** Greets whoever started the node; at the very first start with a key that works. */
export async function greet(deps: ControlDeps): Promise<void> {
  const { boot } = deps;
  const isFirst = boot.node.firstStart && !(await hasKeys(deps.db));
  const starterKey = isFirst ? await starterKeyText(deps) : undefined;
  await deps.ask({ op: 'print', text: welcomeText({ node: boot.node, layout: boot.layout, starterKey }) });
}

async function starterKeyText(deps: ControlDeps): Promise<string> {
  const now = deps.clock.now();
  const { draft } = await draftKey(deps.db, keyCreate.parse({ name: 'starter' }), now);
  const permit = await deps.authority.permit(CONTROL, 'key.create', `key/${draft.id}`, { name: draft.name, reason: 'first start' });
  return (await createKey(deps, permit, draft, now)).text;
}
