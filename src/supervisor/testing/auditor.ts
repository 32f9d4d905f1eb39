import { tinyRole } from './tiny.ts';

tinyRole('auditor');
