import { startChild } from '../../../src/ipc/child.ts';
import { armOne, aroundCall, aroundUnary } from './crash-points.ts';

armOne([
  aroundUnary('admission: reserved, not sent', 'reserve', 'after'),
  aroundCall('egress: before the call', 'egress', 'before'),
  aroundCall('egress: call sent', 'egress', 'after'),
  aroundUnary('account: before it is sent', 'account', 'before'),
  aroundUnary('account: acknowledged', 'account', 'after'),
]);
startChild('gateway', async (child) => (await import('../../../src/gateway/serve.ts')).serveGateway(child));
