import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Returns the nginx of this machine, or that of Debian, unpacked into the folder: it needs no installation to run. */
export function findNginx(folder: string): string | undefined {
  const found = spawnSync("sh", ["-c", "command -v nginx"], { encoding: "utf8" }).stdout.trim();
  if (found !== "") return found;
  const unpacked = spawnSync("sh", ["-c", "apt-get download nginx && dpkg-deb -x nginx_*.deb nginx"], { cwd: folder });
  return unpacked.status === 0 ? join(folder, "nginx/usr/sbin/nginx") : undefined;
}
