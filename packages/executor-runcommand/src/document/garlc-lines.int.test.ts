import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anInstance, type Instance } from "../testing/an-instance.ts";
import { garlcLines } from "./garlc-lines.ts";

const IDENTITY = JSON.stringify(
  { accountId: "111122223333", instanceId: "i-0123456789abcdef0", region: "us-west-2" },
  null,
  2,
);
/** Each program notes its name, the region and its arguments in one list. */
const noting = (name: string, then = "") =>
  `printf '%s ' "$AWS_DEFAULT_REGION" ${name} >>"$NOTES/calls"; printf '<%s>' "$@" >>"$NOTES/calls"; echo >>"$NOTES/calls"; ${then}`;
const CURL = `for last; do :; done
case $last in */api/token) printf '%s' token ;; *) printf '%s' '${IDENTITY}' ;; esac`;

// A folder under /tmp that no other run of these tests has.
const stamp = String(Date.now()).padStart(14, "7");
let instance: Instance;
async function play(key: string, programs: Readonly<Record<string, string>> = {}) {
  instance = await anInstance({
    programs: {
      aws: noting("aws"),
      unzip: noting("unzip"),
      curl: CURL,
      "ansible-playbook": noting("ansible-playbook"),
      ...programs,
    },
  });
  const lines = garlcLines({ artifact: { bucket: "artifacts", key }, stamp });
  return instance.run(`${lines.join("\n")}\n`);
}

describe("the lines of garlc-1", () => {
  beforeEach(() => {
    mkdirSync(`/tmp/${stamp}`);
    writeFileSync(
      `/tmp/${stamp}/generate_inventory_file.sh`,
      '[ -n "$BASH_VERSION" ] && echo inventory >>"$NOTES/calls"\n',
    );
  });
  afterEach(async () => {
    rmSync(`/tmp/${stamp}`, { recursive: true });
    await instance.stop();
  });

  it("do what they always did, in order", async () => {
    const end = await play("GARLC/app/x.zip");

    expect(end.code).toBe(0);
    expect(await callsOf()).toEqual([
      "us-west-2 aws <configure><set><default.s3.signature_version><s3v4>",
      `us-west-2 aws <s3><cp><s3://artifacts/GARLC/app/x.zip></tmp/${stamp}.zip><--quiet>`,
      `us-west-2 unzip <-qq></tmp/${stamp}.zip><-d></tmp/${stamp}>`,
      "inventory",
      `us-west-2 ansible-playbook <-i></tmp/inventory></tmp/${stamp}/ansible/playbook.yml>`,
    ]);
  });

  it("end with the exit code of the playbook, whatever went wrong before", async () => {
    const end = await play("a.zip", { aws: noting("aws", "exit 1"), "ansible-playbook": "exit 3" });

    expect(end.code).toBe(3);
  });

  it.each(["a'; touch $NOTES/evil; '.zip", "$(touch $NOTES/evil).zip", "`touch $NOTES/evil`", "a b\\"])(
    "keep the name %j one word",
    async (key) => {
      await play(key);

      expect((await callsOf())[1]).toBe(`us-west-2 aws <s3><cp><s3://artifacts/${key}></tmp/${stamp}.zip><--quiet>`);
      expect(existsSync(join(instance.notes, "evil"))).toBe(false);
    },
  );
});

it("rejects an invalid stamp", () => {
  expect(() => garlcLines({ artifact: { bucket: "artifacts", key: "a" }, stamp: "1; reboot" })).toThrow("A stamp is");
});

async function callsOf(): Promise<readonly string[]> {
  const { stdout } = await instance.run('cat "$NOTES/calls"');
  return stdout.trimEnd().split("\n");
}
