import { describe, expect, it } from "vitest";
import { type BackendInUse, findBackendFault, toBackendPlace, toBackendSetup } from "./backend.ts";

const input = {
  config: {},
  stateKey: "m/s/local/a b",
  stateBackendUrl: "https://yard/state",
  attempt: { id: "s/1", password: "9.proof" },
};

describe("toBackendSetup", () => {
  it("passes the state key to an s3 backend byte for byte", () => {
    const setup = toBackendSetup({ ...input, declared: "s3", stateKey: "m/s/a=b c/" });

    expect(setup).toEqual({ initArguments: ["-backend-config=key=m/s/a=b c/"], environment: {}, isYard: false });
  });

  it("passes the settings of the task, which win, to any declared backend", () => {
    const setupOf = (declared: string, backend = {}, sharedState?: string) =>
      toBackendSetup({ ...input, declared, config: { backend, ...(sharedState && { sharedState }) } }).initArguments;

    expect(setupOf("gcs", { prefix: "a/pr-1", bucket: "b" })).toEqual([
      "-backend-config=prefix=a/pr-1",
      "-backend-config=bucket=b",
    ]);
    expect(setupOf("s3", { key: "a/pr-1", encrypt: true })).toEqual([
      "-backend-config=key=a/pr-1",
      "-backend-config=encrypt=true",
    ]);
    expect(setupOf("azurerm")).toEqual([]);
    expect(setupOf("s3", {}, "network")).toEqual([]);
  });

  it("uses the yard's own backend where none is declared", () => {
    const address = "https://yard/state/m/s/local/a%20b";

    expect(toBackendSetup({ ...input, declared: undefined })).toEqual({
      initArguments: [],
      environment: {
        TF_HTTP_ADDRESS: address,
        TF_HTTP_LOCK_ADDRESS: address,
        TF_HTTP_LOCK_METHOD: "LOCK",
        TF_HTTP_UNLOCK_ADDRESS: address,
        TF_HTTP_UNLOCK_METHOD: "UNLOCK",
        TF_HTTP_UPDATE_METHOD: "POST",
        TF_HTTP_USERNAME: "s/1",
        TF_HTTP_PASSWORD: "9.proof",
      },
      isYard: true,
    });
  });

  it("rejects to lose the state, and settings of a backend that is not declared", () => {
    expect(() => toBackendSetup({ ...input, declared: undefined, stateBackendUrl: undefined })).toThrow(
      /would be lost/,
    );
    for (const config of [{ backend: { prefix: "a" } }, { sharedState: "a" }])
      expect(() => toBackendSetup({ ...input, declared: undefined, config })).toThrow(/declare no backend/);
  });
});

const use = (type: string, config = {}): BackendInUse => ({ type, config });
const expected = (given: object = {}) => ({
  isYard: false,
  stackId: "pr-1",
  config: {},
  environment: {},
  folder: "/runs",
  ...given,
});
const codeOf = (inUse: BackendInUse | undefined, given = {}) => findBackendFault(inUse, expected(given))?.code;

describe("the backend after init", () => {
  it("is refused when the state would be lost", () => {
    const lost = [
      codeOf(undefined),
      codeOf(undefined, { isYard: true }),
      codeOf(use("local", { path: null, workspace_dir: null })),
      codeOf(use("local", { path: "" })),
      codeOf(use("local", { path: "pr-1.tfstate" })),
      codeOf(use("local", { path: "/runs/module/pr-1.tfstate" })),
      codeOf(use("local", { path: "/pr-1.tfstate" }), { environment: { TF_WORKSPACE: "dev" } }),
      codeOf(use("local", { path: "a.tfstate" }), { config: { sharedState: "a" } }),
      codeOf(use("s3", { key: "m/pr-1/x" }), { isYard: true }),
      codeOf(use("http", { address: "https://other/pr-1" }), { isYard: true }),
    ];

    expect(new Set(lost)).toEqual(new Set(["TERRAFORM_BACKEND_MISSING"]));
  });

  it("is the yard's when nothing in its block has a value", () => {
    expect(codeOf(use("http", { address: null, retry_max: null }), { isYard: true })).toBeUndefined();
  });

  // [terraform#24613], [terraform#16627]
  it.each<[BackendInUse, object]>([
    [use("gcs", { bucket: "b", prefix: "app" }), {}],
    [use("gcs", { bucket: "b", prefix: null }), {}],
    [use("azurerm", { key: "terraform.tfstate", container_name: "c" }), {}],
    [use("http", { address: "https://gitlab/api/v4/projects/1/terraform/state/app" }), {}],
    [use("http", { address: null }), { environment: { TF_HTTP_ADDRESS: "https://x/state/app" } }],
    [use("pg", { conn_str: "postgres://h/db", schema_name: null }), {}],
    [use("consul", { path: "states/app" }), {}],
    [use("kubernetes", { secret_suffix: "app", namespace: "default" }), {}],
    [use("local", { path: "/srv/app.tfstate" }), {}],
    [use("s3", { key: "app", bucket: "b" }), { config: {} }],
    [use("remote", { organization: "o", workspaces: [{ name: "app", prefix: null }] }), {}],
    [use("cloud", { organization: "o", workspaces: { name: "app" } }), {}],
    [use("unknown", { where: "app" }), {}],
    // Another stack's address.
    [use("gcs", { prefix: "app/pr-12" }), {}],
    [use("gcs", { prefix: "app/xpr-1" }), {}],
    [use("gcs", { prefix: "app/pr-1-db" }), {}],
    // The task says so, and it is not.
    [use("gcs", { prefix: "pr-12" }), { config: { backend: { prefix: "pr-12" } } }],
  ])("is refused for %j, because other stacks would have it too", (inUse, given) => {
    expect(codeOf(inUse, given)).toBe("TERRAFORM_BACKEND_SHARED");
    expect(codeOf(inUse, { ...given, config: { sharedState: "app" } })).toBeUndefined();
  });

  it.each<[BackendInUse, object]>([
    [use("s3", { key: "review-app/pr-1/local/network" }), {}],
    [use("gcs", { prefix: "app/pr-1" }), {}],
    [use("gcs", { prefix: "pr-1" }), {}],
    [use("gcs", { prefix: "env-pr-1-app" }), { config: { backend: { prefix: "env-pr-1-app" } } }],
    [use("http", { address: null }), { environment: { TF_HTTP_ADDRESS: "https://x/pr-1" } }],
    [use("http", { address: "https://x/state?name=pr-1" }), {}],
    [use("http", { address: "https://x/team%2Fpr-1" }), { stackId: "team/pr-1" }],
    [use("local", { path: "/srv/pr-1.tfstate" }), {}],
    [use("local", { path: "/srv/pr-1/x" }), {}],
    [use("pg", { schema_name: "pr_1" }), { stackId: "pr_1" }],
    [use("remote", { workspaces: [{ name: "pr-1", prefix: null }] }), {}],
  ])("is right for %j", (inUse, given) => {
    expect(codeOf(inUse, given)).toBeUndefined();
  });

  it("is refused with the way out", () => {
    const fault = findBackendFault(use("gcs", { bucket: "b", prefix: "app" }), expected());

    expect(fault?.text).toContain("The state gcs prefix=app bucket=b would be that of all stacks");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a machine.
    expect(fault?.text).toContain('set `backend: { prefix: "…/${stack.id}" }`');
    expect(fault?.text).toContain("sharedState");
  });
});

describe("toBackendPlace", () => {
  it("identifies a state without its credentials", () => {
    const environment = { TF_WORKSPACE: "dev" };

    expect(toBackendPlace(use("http", { address: "https://u:p@h/s", password: "p" }), {})).toBe(
      "http address=https://h/s",
    );
    expect(toBackendPlace(use("pg", { conn_str: "postgres://u:p@h/db" }), {})).toMatch(/^pg conn_str#[0-9a-f]{12}$/);
    expect(toBackendPlace(use("s3", { key: "k", bucket: "b", secret_key: "x" }), environment)).toBe(
      "s3 key=k bucket=b workspace=dev",
    );
  });
});
