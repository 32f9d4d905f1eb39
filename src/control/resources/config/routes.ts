import type { BulkheadConfig } from '../../../config/config.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { effective } from '../credentials/service.ts';

/** The configuration in effect, whole, and why a newer file is not. */
export const configRoutes = (deps: ControlDeps): Handlers<'config.show'> => ({
  'config.show': () => {
    const { config, policy } = deps;
    return Promise.resolve({
      source: config.current?.file ?? deps.boot.node.configFile,
      version: policy.version,
      applied_at: config.appliedAt === undefined ? null : new Date(config.appliedAt).toISOString(),
      problems: config.problems.map((problem) => ({ ...problem })),
      effective: plain(effective(deps)),
    });
  },
});

/** A copy as JSON has it. The configuration holds no secret: it names credentials. */
const plain = (config: BulkheadConfig): Record<string, string> =>
  JSON.parse(JSON.stringify({ ...config, file: undefined })) as Record<string, string>;
