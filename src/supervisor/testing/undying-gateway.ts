import './undying.ts';
import './gateway.ts';
