// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineSource } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkMappings, formatFaults, loadMappings } from "./load-mappings.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-mappings-"));
  folder = join(root, "rules");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

describe("loadMappings", () => {
  it("names faults by the folder of the options", async () => {
    writeFileSync(join(folder, "shop.yaml"), "");

    await expect(loadMappings(folder)).rejects.toThrow("rules/shop.yaml:1:1 The document must be a map.");
  });

  it("names a document that cannot be read", async () => {
    mkdirSync(join(folder, "shop.yaml"));

    await expect(loadMappings(folder)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: "The mapping document rules/shop.yaml cannot be read.",
    });
  });
});

describe("checkMappings", () => {
  const MACHINE = `version: 2
additionalMetadata: false
metadata: { sha: { type: string }, reason: { type: string } }
events: { OPENED: { metadata: [sha] }, PUSHED: {}, CLOSED: { metadata: [reason] } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: {} }
`;
  const machines: MachineSource = {
    async find(name) {
      const { machine } = parseMachine(MACHINE, { name });
      return name === "preview" && machine !== undefined ? { kind: "found", machine } : { kind: "unknown" };
    },
  };
  const check = async (text: string) => {
    writeFileSync(join(folder, "shop.yaml"), text);
    return (await checkMappings(folder, machines)).flatMap(formatFaults);
  };
  const DOCUMENT = `host: github
machine: preview
stack: "pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  head: { send: PUSHED }
  closed: { send: CLOSED, metadata: { reason: closed } }
rules:
  seed: { on: pull.labeled, send: PUSHED }
`;

  it("accepts what the machine accepts", async () => {
    expect(await check(DOCUMENT)).toEqual([]);
  });

  it("names each event and metadata that the machine would refuse, of every rule", async () => {
    const text = DOCUMENT.replace("CLOSED, metadata: { reason: closed }", "CLOSE")
      .replace('sha: "${hook.pull.head}"', "commit: x")
      .replace("labeled, send: PUSHED", "labeled, send: SEED");

    expect(await check(text)).toEqual([
      'rules/shop.yaml:5:9 pull.open: Machine "preview" requires the metadata "sha" of "OPENED".',
      'rules/shop.yaml:5:45 pull.open.metadata.commit: Machine "preview" declares no metadata "commit".',
      'rules/shop.yaml:7:19 pull.closed.send: Machine "preview" declares no event "CLOSE". Did you mean "CLOSED"?',
      'rules/shop.yaml:9:35 rules.seed.send: Machine "preview" declares no event "SEED".',
    ]);
  });

  it("names a machine that does not exist", async () => {
    expect(await check(DOCUMENT.replace("machine: preview", "machine: previews"))).toEqual([
      'rules/shop.yaml:2:10 machine: Unknown machine "previews".',
    ]);
  });
});
