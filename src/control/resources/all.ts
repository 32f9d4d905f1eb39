import type { ControlDeps } from '../deps.ts';
import type { Handlers } from '../http/router.ts';
import { auditRoutes } from './audit/routes.ts';
import { backupRoutes } from './backup/routes.ts';
import { configRoutes } from './config/routes.ts';
import { credentialRoutes } from './credentials/routes.ts';
import { doctorRoutes } from './doctor/routes.ts';
import { keyRoutes } from './keys/routes.ts';
import { nodeRoutes } from './node/routes.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { providerRoutes } from './providers/routes.ts';
import { usageRoutes } from './usage/routes.ts';
import { vaultRoutes } from './vault/routes.ts';

/** Every operation's handler. The type refuses to compile while one is missing. */
export const allHandlers = (deps: ControlDeps): Handlers => ({
  ...nodeRoutes(deps),
  ...organizationRoutes(deps),
  ...keyRoutes(deps),
  ...credentialRoutes(deps),
  ...vaultRoutes(deps),
  ...providerRoutes(deps),
  ...usageRoutes(deps),
  ...auditRoutes(deps),
  ...configRoutes(deps),
  ...doctorRoutes(deps),
  ...backupRoutes(deps),
});
