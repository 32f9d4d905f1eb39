import './undying.ts';
import './failing.ts';
