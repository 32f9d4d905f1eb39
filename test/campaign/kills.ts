import { wait } from './load.ts';
import { pidOf, recovered, restarted } from './processes.ts';
import { lowerBudget } from './rules.ts';
import { closeScene, openScene, underLoad } from './scene.ts';
import { between, seededFor } from './seeds.ts';

/**
 * kill -9 of every process under load, with a hard budget and limits in force. The provider's own list of request ids is the oracle: each id
 * it saw is in the ledger exactly once; rows that it did not see are at most the requests in flight at the kills, and marked; the last kill
 * comes at the last cents, and the provider never saw more than the budget pays for; every place is free afterwards.
 */

export const ROLES: readonly string[] = ['gateway', 'vault', 'ledger', 'auditor', 'control', 'sandbox', 'supervisor'];

/** How long after the load is there again; the moment within a request is nobody's to choose. */
const MOST_LATER_MS = 300;

/** `kills` of each role, at moments and of instances that `seed` draws. */
export async function runKills(kills: number, roles: readonly string[], seed: number): Promise<void> {
  for (const role of kills === 0 ? [] : roles) await killRole(role, kills, seededFor(seed, `kill ${role}`));
}

async function killRole(role: string, kills: number, random: () => number): Promise<void> {
  const scene = await openScene(role);
  const { load, rules } = scene;
  let surplusAllowed = 0;
  let amount = 0n;
  for (let kill = 0; kill < kills; kill++) {
    const [instance, later] = [between(0, 1000, random), between(0, MOST_LATER_MS, random)];
    await underLoad(load);
    await wait(later);
    if (kill === kills - 1) amount = await lowerBudget(scene.node, rules);
    surplusAllowed += load.inFlight();
    if (role === 'supervisor') {
      scene.node.supervisor.kill('SIGKILL');
      await wait(300);
      scene.node = await restarted(scene.node, scene.options);
    } else {
      process.kill(await pidOf(scene.node, role, instance), 'SIGKILL');
      await recovered(scene.node, role, kill + 1);
    }
  }
  await closeScene(scene, `${role}: ${kills} kills`, amount, surplusAllowed);
}
