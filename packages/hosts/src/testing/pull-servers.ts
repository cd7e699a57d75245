import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APP_ID } from "@stackyard/host-sim";
import type { HostsOptions } from "../host-options.ts";
import { SHOP } from "./github-bench.ts";
import type { Sight } from "./pull-oracle.ts";
import type { ReportBench, RunningProcess } from "./report-bench.ts";

/** Two servers over one store, and the names of their host, their document and its repository. */
export function startServers(bench: ReportBench, toDocument: (host: string) => string) {
  const { github, folder } = bench;
  let running: RunningProcess = bench.start();
  let frozen: RunningProcess = bench;
  /** The newest first. */
  const hosts = ["github"];
  let file = "shop.yaml";
  let repository = SHOP;
  let sight: Sight = "whole";

  function startNext(): RunningProcess {
    const next = bench.start(undefined, toOptions(github.url, hosts));
    const path = `/hooks/${hosts[0]}`;
    github.settings.receiver = async ({ headers, body }) => (await next.post(body, headers, path)).status;
    return next;
  }

  async function report(server: RunningProcess): Promise<undefined> {
    if (sight !== "none") await server.report();
  }
  const pass = () => bench.pass(25, { tick: running.tick, report: () => report(running) });

  return {
    running: () => running,
    pass,
    wait: (minutes: number) => bench.wait(minutes, running),
    /** Stops all reports. */
    async blind(): Promise<void> {
      sight = "none";
    },
    /** Lets reports continue. */
    async see(): Promise<void> {
      if (sight === "none") sight = "partial";
      await pass();
    },
    sight: () => sight,
    /** Lets the other one run, until the one that is frozen now makes its report. */
    async freeze(): Promise<void> {
      [running, frozen] = [frozen, running];
      await pass();
      await report(frozen);
    },
    /** Gives the host another name in the options, and starts both servers again. */
    rehost(): void {
      const host = `forge${hosts.length}`;
      hosts.unshift(host);
      writeFileSync(join(folder, file), toDocument(host));
      frozen = startNext();
      running = startNext();
    },
    repository: () => repository,
    renameRepository(): void {
      const before = repository;
      repository = `${before}x`;
      github.renameRepository(before, repository);
    },
    /** Gives the document another name. */
    refile(): void {
      const next = file === "web.yaml" ? "shop.yaml" : "web.yaml";
      renameSync(join(folder, file), join(folder, next));
      file = next;
    },
  };
}

/** Options with a host that had other names before. */
function toOptions(url: string, [name = "", ...former]: readonly string[]): HostsOptions {
  const app = { appId: APP_ID, key: { env: "KEY" }, secrets: [{ env: "SECRET" }] };
  return { hosts: { [name]: { type: "github", url, ...app, former } } };
}
