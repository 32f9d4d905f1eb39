import type { ControlDeps } from '../deps.ts';
import type { Handlers } from '../http/router.ts';
import { admissionRoutes } from './admission/routes.ts';
import { accessGroupRoutes } from './access-groups/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { backupRoutes } from './backup/routes.ts';
import { budgetRequestRoutes } from './budget-requests/routes.ts';
import { budgetRoutes } from './budgets/routes.ts';
import { configRoutes } from './config/routes.ts';
import { credentialRoutes } from './credentials/routes.ts';
import { doctorRoutes } from './doctor/routes.ts';
import { keyRoutes } from './keys/routes.ts';
import { limitRoutes } from './limits/routes.ts';
import { nodeRoutes } from './node/routes.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { priceRoutes } from './prices/routes.ts';
import { projectRoutes } from './projects/routes.ts';
import { providerRoutes } from './providers/routes.ts';
import { rowRoutes } from './rows/routes.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { shareRoutes } from './shares/routes.ts';
import { usageRoutes } from './usage/routes.ts';
import { userRoutes } from './users/routes.ts';
import { vaultRoutes } from './vault/routes.ts';

/** Every operation's handler. The type refuses to compile while one is missing. */
export const allHandlers = (deps: ControlDeps): Handlers => ({
  ...nodeRoutes(deps),
  ...organizationRoutes(deps),
  ...projectRoutes(deps),
  ...userRoutes(deps),
  ...sessionRoutes(deps),
  ...accessGroupRoutes(deps),
  ...keyRoutes(deps),
  ...limitRoutes(deps),
  ...shareRoutes(deps),
  ...budgetRoutes(deps),
  ...budgetRequestRoutes(deps),
  ...admissionRoutes(deps),
  ...credentialRoutes(deps),
  ...vaultRoutes(deps),
  ...providerRoutes(deps),
  ...usageRoutes(deps),
  ...priceRoutes(deps),
  ...auditRoutes(deps),
  ...configRoutes(deps),
  ...rowRoutes(deps),
  ...doctorRoutes(deps),
  ...backupRoutes(deps),
});
