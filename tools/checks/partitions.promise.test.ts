import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { AWS_DNS_SUFFIXES, toDnsSuffix } from "@stackyard/core";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

const TABLE = "aws-partitions.ts";
const SCRIPT = "packages/executor-runcommand/src/document/apply-artifact.sh";

/** Host names of partitions. The principal `ec2.amazonaws.com.cn` and names such as `com.amazonaws.eu-west-1.ssm` are others. */
const SPELLED = /console\.amazonaws|(?<!"ec2\.)amazonaws\.(?:com\\?\.cn|eu(?!-))/;

it("host names of AWS partitions are in one table", () => {
  const files = globSync(["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: repositoryRoot });
  const sources = files.filter((file) => !/\.test\.ts$|\/testing\/|\/dist\//.test(file) && basename(file) !== TABLE);
  const spelled = sources.filter((file) => SPELLED.test(readFileSync(join(repositoryRoot, file), "utf8")));

  expect(sources.length).toBeGreaterThan(1_000);
  expect(spelled).toEqual([]);
});

it("the script of hosts, which cannot read the table, has the same", () => {
  const script = readFileSync(join(repositoryRoot, SCRIPT), "utf8");
  const [, cases = ""] = /domain=amazonaws\.com\n\s*case \$region in\n(.*?)\n\s*esac/s.exec(script) ?? [];
  const known = [...cases.matchAll(/^\s*([a-z]+)-\*\) domain=(\S+) ;;$/gm)].map(([, start, domain]) => [start, domain]);
  const regions = ["cn-north-1", "eusc-de-east-1", "us-gov-west-1", "eu-west-1"];

  const inScript = regions.map((region) => known.find(([start]) => region.startsWith(`${start}-`))?.[1]);
  expect(inScript.map((domain) => domain ?? "amazonaws.com")).toEqual(regions.map(toDnsSuffix));
  for (const [, domain] of known) expect(AWS_DNS_SUFFIXES).toContain(domain);
});
