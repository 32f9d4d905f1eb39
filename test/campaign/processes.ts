import { startNode, type NodeOptions, type RunningNode } from '../e2e/node.ts';
import { wait } from './load.ts';

/** The node's own processes, as `doctor` tells of them. */

/** That of the `turn`-th of those that serve, counted round; waits until there is one. */
export async function pidOf(node: RunningNode, role: string, turn = 0): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const rows = (await node.processes().catch(() => [])).filter((found) => found.role === role && found.state === 'ready');
    const pid = rows[turn % Math.max(1, rows.length)]?.pid;
    if (pid != null) return pid;
    await wait(50);
  }
  throw new Error(`${role} is not running`);
}

/** Waits until all of the role serve, after at least `restarts` of them altogether. */
export async function recovered(node: RunningNode, role: string, restarts: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const rows = (await node.processes().catch(() => [])).filter((found) => found.role === role);
    const count = rows.reduce((sum, row) => sum + row.restarts, 0);
    if (rows.length > 0 && rows.every(({ state }) => state === 'ready') && count >= restarts) return;
    await wait(50);
  }
  throw new Error(`${role} did not come back\n${node.output().slice(-3000)}`);
}

/** The node again on its own data, after its supervisor was killed. */
export async function restarted(node: RunningNode, options: NodeOptions): Promise<RunningNode> {
  for (let tries = 0; ; tries++) {
    try {
      // One that is slow to come is waited for: a second try would find it running.
      return await startNode({ ...options, dataDir: node.dataDir, readyMs: 60_000 });
    } catch (error) {
      // The children of the killed supervisor may still be draining on the data folder.
      if (tries > 20) throw error;
      await wait(250);
    }
  }
}
