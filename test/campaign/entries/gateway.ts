import { startChild } from '../../../src/ipc/child.ts';
import { LiveReservations } from '../../../src/gateway/live-reservations.ts';
import { Outbox } from '../../../src/gateway/outbox.ts';
import { aroundCall, aroundMethod, aroundUnary, followPlan } from './crash-points.ts';

const POINTS = [
  aroundUnary('reserve: not asked yet', 'reserve', 'before'),
  aroundMethod('reserve: granted, not sent', LiveReservations, 'granted', 'before'),
  aroundCall('egress: before the call', 'egress', 'before'),
  aroundCall('egress: call sent', 'egress', 'after'),
  aroundMethod('settle: answered, not in the outbox', Outbox, 'settle', 'before'),
  aroundMethod('settle: in the outbox, not sent', Outbox, 'settle', 'after'),
  aroundMethod('release: not in the outbox', Outbox, 'release', 'before'),
  aroundUnary('account: before it is sent', 'account', 'before'),
  aroundUnary('account: acknowledged', 'account', 'after'),
];

startChild('gateway', async (child) => {
  followPlan(child, POINTS);
  await (await import('../../../src/gateway/serve.ts')).serveGateway(child);
});
