import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import project from "../../../deploy/project/stackyard.config.ts";

const deploy = join(import.meta.dirname, "../../../deploy");
const read = (file: string) => readFileSync(join(deploy, file), "utf8");

describe("the deployment files", () => {
  it("trust no proxy that is not named", () => {
    expect(project.server?.trustedProxies).toEqual([]);
    expect(parse(read("helm/stackyard/values.yaml")).trustedProxies).toEqual([]);
  });

  it("let servers of the compose file trust the address of its proxy alone", () => {
    const { services } = parse(read("compose.yaml"), { merge: true });
    const { ipv4_address } = services.proxy.networks.default;

    const trusted = Object.values<{ environment?: Record<string, string> }>(services).flatMap(
      ({ environment: { TRUSTED_PROXIES = [] } = {} }) => TRUSTED_PROXIES,
    );

    expect(trusted).toEqual([ipv4_address, ipv4_address]);
  });

  it("hand on the address of who asks nginx, and none that a client names (CVE-2026-40575)", () => {
    const files = globSync("**/nginx.conf", { cwd: deploy });

    expect(files).toHaveLength(2);
    for (const file of files) {
      expect(read(file).match(/proxy_set_header X-Forwarded-For .*/g)).toEqual([
        "proxy_set_header X-Forwarded-For $remote_addr;",
      ]);
    }
  });

  it("give each configured token a grant, so that none is an administrator by default", () => {
    const { grants = [] } = project.access ?? {};
    const names = [...read("secrets.sh").matchAll(/(?:\\n|')(\w+)=%s/g)].map(([, name]) => name);

    expect(names).toEqual(["admin", "metrics"]);
    expect(grants.map(({ to }) => to.token)).toEqual(names);
  });

  it("make the image of the one file, whose packages have the versions of the lock, without a registry", () => {
    const stage = /AS packages\n(.*?)\nFROM /s.exec(read("Dockerfile"))?.[1] ?? "";

    expect(stage).toContain("COPY stackyard-[0-9]*.tgz ");
    expect(stage).not.toMatch(/\b(npm|npx|curl)\b|https?:/);
  });
});
