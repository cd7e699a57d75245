import { afterEach, describe, expect, it } from "vitest";
import {
  aPreparedInstance,
  INVENTORY,
  PLAYBOOK,
  type PreparedInstance,
  type PreparedOptions,
} from "../testing/a-prepared-instance.ts";
import { aZip } from "../testing/a-zip.ts";

const AS_USUAL = [
  "PUT /latest/api/token",
  "GET /latest/meta-data/placement/region",
  "GET /latest/meta-data/iam/security-credentials/",
  "GET /latest/meta-data/iam/security-credentials/fleet-role",
  "GET /s3/artifacts/app/build.zip",
];

let instance: PreparedInstance;
afterEach(() => instance.stop());

async function apply(options?: PreparedOptions) {
  instance = await aPreparedInstance(options);
  return instance.run(instance.script);
}

describe("the script on an instance", () => {
  it.each([[["sh"]], [["bash", "--posix"]]])(
    "applies an artifact under %s and leaves nothing behind",
    async (shell) => {
      instance = await aPreparedInstance();

      const end = await instance.run(instance.script, shell);

      expect(end).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
      expect(instance.requests()).toEqual(AS_USUAL);
      const folder = instance.note("folder").replace(/\/tree$/, "");
      expect(instance.note("arguments")).toBe(`-i\n${folder}/inventory\n./ansible/playbook.yml`);
      expect(instance.note("inventory")).toBe(INVENTORY.trimEnd());
      expect(instance.note("environment").split("\n")).toEqual(["/root", "", "eu-west-1"]);
      expect(instance.leftovers()).toEqual([]);
    },
  );

  it("requests a token first and sends it only to the metadata service", async () => {
    await apply();

    const tokens = instance.messages.map(({ headers }) => headers["x-aws-ec2-metadata-token"]);
    expect(tokens).toEqual([undefined, "a-token", "a-token", "a-token", undefined]);
    const [first] = instance.messages;
    expect(first?.headers["x-aws-ec2-metadata-token-ttl-seconds"]).toBe("21600");
  });

  it("signs the request with the credentials of the instance", async () => {
    await apply();

    const headers = instance.messages.at(-1)?.headers;
    expect(headers?.["x-amz-security-token"]).toBe("session==");
    expect(headers?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIA1\/\d{8}\/eu-west-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    );
  });

  it("gives the exit code of the tool", async () => {
    const end = await apply({ programs: { "ansible-playbook": "exit 4" } });

    expect([end.code, instance.leftovers()]).toEqual([4, []]);
  });

  it("uses the settings of Ansible next to the playbook", async () => {
    await apply({ files: [PLAYBOOK, { name: "ansible/ansible.cfg", text: "[defaults]\n" }] });

    expect(instance.note("environment").split("\n")[1]).toBe(`${instance.note("folder")}/ansible/ansible.cfg`);
  });

  it("runs any other entry point with bash, with the usual permissions for what it makes", async () => {
    const text = 'umask >"$NOTES/umask"; cat "$ANSIBLE_INVENTORY" >"$NOTES/inventory"; exit 7\n';
    const end = await apply({ files: [{ name: "run.sh", text }], values: { EntryPoint: "run.sh" } });

    expect(end.code).toBe(7);
    expect(instance.note("inventory")).toBe(INVENTORY.trimEnd());
    expect(instance.note("umask")).toBe(process.umask().toString(8).padStart(4, "0"));
  });

  it("warns about an empty inventory, and continues", async () => {
    const end = await apply({ values: { Inventory: "" } });

    expect([end.code, end.stdout]).toEqual([
      0,
      "stackyard: NO_ROLES: the inventory is empty: no role applies to this host.\n",
    ]);
    expect(instance.note("inventory")).toBe("");
  });

  it("finds keys with any character and requests the given version", async () => {
    const zip = aZip([PLAYBOOK]);
    const path = "/s3/artifacts/caf%C3%A9/a%20%27b%27%25.zip?versionId=v.1-_";
    const end = await apply({
      zip,
      values: { ArtifactLocation: "s3://artifacts/caf%C3%A9/a%20%27b%27%25.zip?versionId=v.1-_" },
      answers: { [`GET ${path}`]: zip },
    });

    expect([end.code, instance.requests().at(-1)]).toEqual([0, `GET ${path}`]);
  });
});

describe("a script that cannot continue", () => {
  it.each<readonly [string, number, string, PreparedOptions]>([
    ["no token is given", 69, "METADATA_UNAVAILABLE", { answers: { "PUT /latest/api/token": undefined } }],
    [
      "the artifact is not there",
      66,
      "ARTIFACT_DOWNLOAD_FAILED",
      { values: { ArtifactLocation: "s3://artifacts/no.zip" } },
    ],
    ["the sum is another", 65, "ARTIFACT_CHECKSUM_MISMATCH", { values: { ArtifactSha256: "0".repeat(64) } }],
    ["it is not an archive", 65, "ARTIFACT_UNREADABLE", { zip: Buffer.from("<html>") }],
    ["a name leaves the folder", 65, "ARTIFACT_UNSAFE", { files: [PLAYBOOK, { name: "../../evil", text: "x" }] }],
    ["a name begins at the root", 65, "ARTIFACT_UNSAFE", { files: [PLAYBOOK, { name: "/tmp/evil", text: "x" }] }],
    ["it holds a link", 65, "ARTIFACT_UNSAFE", { files: [PLAYBOOK, { name: "roles", text: "/etc", mode: 0o120777 }] }],
    ["the entry point is not there", 66, "ENTRY_POINT_MISSING", { values: { EntryPoint: "site.yml" } }],
    ["a tool is not installed", 69, "TOOL_MISSING", { without: ["flock"] }],
    ["the inventory is cut", 64, "PARAMETER_INVALID", { values: { Inventory: "A" } }],
  ])("stops when %s", async (_when, code, name, options) => {
    const end = await apply(options);

    expect(end.code).toBe(code);
    expect(end.stderr).toContain(`stackyard: ${name}: `);
    expect([instance.ran(), instance.leftovers()]).toEqual([false, []]);
  });

  it("does not ask for the artifact without a token", async () => {
    await apply({ answers: { "PUT /latest/api/token": undefined } });

    expect(new Set(instance.requests())).toEqual(new Set(["PUT /latest/api/token"]));
  });
});
