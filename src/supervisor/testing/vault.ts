import { tinyRole } from './tiny.ts';

tinyRole('vault');
