import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { aPreparedInstance, type PreparedInstance, type PreparedOptions } from "../testing/a-prepared-instance.ts";

let instance: PreparedInstance;
afterEach(() => instance.stop());

async function apply(options?: PreparedOptions) {
  instance = await aPreparedInstance(options);
  return instance.run(instance.script);
}

/** A playbook that runs until the server releases it. */
const UNTIL_ANSWERED = `touch "$NOTES/arguments"; curl --silent --fail "$SERVER/gate"`;
const GATE = { "GET /gate": "open" };

describe("a second run on a host", () => {
  it("does not begin while the first works", async () => {
    instance = await aPreparedInstance({ programs: { "ansible-playbook": UNTIL_ANSWERED }, answers: GATE });
    const held = instance.hold("/gate");
    const first = instance.start(instance.script);
    const gate = await held;

    const second = await instance.run(instance.script);

    expect(second.code).toBe(75);
    expect(second.stderr).toBe(
      "stackyard: ALREADY_RUNNING: another run works on this host and did not end within 0 s. Run this one again.\n",
    );
    expect(instance.requests().filter((request) => request.includes("/s3/"))).toHaveLength(1);
    gate.answer();
    expect((await first.ended).code).toBe(0);
  });

  it("waits for the first until its timeout", async () => {
    const programs = {
      "ansible-playbook": UNTIL_ANSWERED,
      // Notifies the test that a process waits for the lock.
      flock: `[ "$1" = -n ] || curl --silent "$SERVER/waits" >/dev/null; exec /usr/bin/flock "$@"`,
    };
    instance = await aPreparedInstance({ programs, answers: GATE });
    const held = instance.hold("/gate");
    const first = instance.start(instance.script);
    const gate = await held;
    const waits = instance.hold("/waits");
    const second = instance.start(instance.script.replace("SSM_LockWait='0'", "SSM_LockWait='600'"));
    (await waits).answer();

    gate.answer();

    expect((await first.ended).code).toBe(0);
    expect((await second.ended).code).toBe(0);
  });

  it("is not kept away by what the first has started and left running", async () => {
    const daemon = `flock --version >/dev/null; (trap '' HUP; exec curl --silent "$SERVER/gate" >/dev/null 2>&1) &`;
    instance = await aPreparedInstance({ programs: { "ansible-playbook": daemon }, answers: GATE });
    const held = instance.hold("/gate");
    const first = await instance.run(instance.script);
    const gate = await held;

    const second = await instance.run(instance.script);

    gate.answer();
    expect([first.code, second.code]).toEqual([0, 0]);
  });

  it("begins after a first that was killed", async () => {
    instance = await aPreparedInstance({ programs: { "ansible-playbook": UNTIL_ANSWERED }, answers: GATE });
    const held = instance.hold("/gate");
    const first = instance.start(instance.script);
    await held;
    process.kill(-first.pid, "SIGKILL");
    await first.ended;
    rmSync(join(instance.notes, "arguments"));

    const second = await instance.run(instance.script);

    expect([second.code, instance.ran()]).toEqual([0, true]);
  });
});

it("cleans up when the agent ends it because its time is over", async () => {
  instance = await aPreparedInstance({ programs: { "ansible-playbook": UNTIL_ANSWERED }, answers: GATE });
  const held = instance.hold("/gate");
  const running = instance.start(instance.script);
  await held;

  process.kill(-running.pid, "SIGTERM");

  expect((await running.ended).code).toBe(143);
  expect(instance.leftovers()).toEqual([]);
});

describe("the AWS CLI, where it is installed", () => {
  const aws = String.raw`printf '%s\n' "$@" >"$NOTES/aws"; for last; do :; done
exec curl --silent --fail --output "$last" "$SERVER/s3/artifacts/app/build.zip"`;

  it("fetches the artifact", async () => {
    const end = await apply({ programs: { aws } });

    expect(end.code).toBe(0);
    const [, , , bucket, key, file] = instance.note("aws").split("\n");
    expect([bucket, key, file?.split("/").at(-1)]).toEqual(["artifacts", "--key=app/build.zip", "artifact.zip"]);
    expect(instance.requests().filter((request) => request.includes("credentials"))).toEqual([]);
  });

  it("receives the exact name and version", async () => {
    await apply({
      programs: { aws },
      values: { ArtifactLocation: "s3://artifacts/a%20%24(b)%22.zip?versionId=v1".replace("(b)", "%28b%29") },
    });

    expect(instance.note("aws").split("\n").slice(4, 6)).toEqual(['--key=a $(b)".zip', "--version-id=v1"]);
  });

  it("never reads a file of the host instead", async () => {
    const end = await apply({ programs: { aws }, values: { ArtifactLocation: "s3://artifacts/file%3A///etc/shadow" } });

    expect([end.code, instance.ran()]).toEqual([64, false]);
  });

  it("serves nodes outside of EC2, which have no metadata", async () => {
    const environment = { AWS_SSM_INSTANCE_ID: "mi-0123456789abcdef0", AWS_SSM_REGION_NAME: "eu-north-1" };

    const end = await apply({ programs: { aws }, environment });

    expect([end.code, instance.note("environment").split("\n")[2]]).toEqual([0, "eu-north-1"]);
    expect(instance.requests()).toEqual(["GET /s3/artifacts/app/build.zip"]);
  });
});

describe("the inventory of an instance's own tag", () => {
  const values = { Inventory: "", InventorySource: "instance-tags" };
  const tagged = (roles: string) => ({
    "GET /latest/meta-data/tags/instance/": "Name\nAnsible_Roles",
    "GET /latest/meta-data/tags/instance/Ansible_Roles": roles,
  });

  it.each([
    [
      "web server, db,,web\tserver ,",
      "[webserver]\nlocalhost ansible_connection=local\n[db]\nlocalhost ansible_connection=local",
    ],
    [" ", ""],
  ])("holds a group for each role of %j", async (roles, inventory) => {
    const end = await apply({ values, answers: tagged(roles) });

    expect([end.code, instance.note("inventory")]).toEqual([0, inventory]);
  });

  it("is empty without the tag", async () => {
    const end = await apply({ values, answers: { "GET /latest/meta-data/tags/instance/": "Name\nNot_Ansible_Roles" } });

    expect([end.code, instance.note("inventory")]).toEqual([0, ""]);
  });

  it.each([
    ["a name with a bracket", "ROLE_NAME_INVALID", tagged("web,x]\nlocalhost")],
    ["a name that is too long", "ROLE_NAME_INVALID", tagged("a".repeat(64))],
    ["more than 50 roles", "ROLE_NAME_INVALID", tagged(Array.from({ length: 51 }, (_, index) => `r${index}`).join())],
    ["tags that the instance does not see", "INSTANCE_TAGS_HIDDEN", {}],
  ])("stops the run for %s", async (_what, code, answers) => {
    const end = await apply({ values, answers });

    expect(end.stderr).toContain(`stackyard: ${code}: `);
    expect([instance.ran(), instance.leftovers()]).toEqual([false, []]);
  });
});

describe.skipIf(!existsSync("/usr/bin/python3"))("a host without unzip", () => {
  const programs = { python3: 'exec /usr/bin/python3 "$@"' };

  it("unpacks with the Python that Ansible needs anyway", async () => {
    const end = await apply({ programs, without: ["unzip"] });

    expect([end.code, instance.ran(), instance.leftovers()]).toEqual([0, true, []]);
  });

  it("reports what is missing", async () => {
    const end = await apply({ without: ["unzip"] });

    expect([end.code, instance.ran()]).toEqual([65, false]);
    expect(end.stderr).toContain("neither unzip nor python3 is here");
  });
});
