import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type FileResource, isPlanned, planFile, readFile, writeFile } from "./file-resource.ts";
import { type DynamicValue, fromDynamicValue, toDynamicValue } from "./values.ts";

/** Where the files are. */
export interface FileProviderInput {
  /** Each resource is a file of this folder. Created when it does not exist. */
  readonly folder: string;
}

/** A running provider. */
export interface FileProvider {
  /** `TF_REATTACH_PROVIDERS`, by which Terraform finds the provider instead of installing it. */
  readonly environment: { readonly TF_REATTACH_PROVIDERS: string };
  stop(): void;
}

/** The local name of the provider in configurations, and the type of its one resource. */
const NAME = "files";
const TYPE = "files_file";

const string = Buffer.from('"string"');

/** `name`: the file; another one replaces the resource. `sha256` is known after the apply. */
const FILE_SCHEMA = {
  version: 0,
  block: {
    attributes: [
      { name: "name", type: string, required: true },
      { name: "content", type: string, required: true },
      { name: "arn", type: string, computed: true },
      { name: "sha256", type: string, computed: true },
    ],
  },
};

/** Fields that requests of the used calls have. */
interface Request {
  readonly raw_state: { readonly json: Uint8Array };
  readonly current_state: DynamicValue | null;
  readonly prior_state: DynamicValue | null;
  readonly proposed_new_state: DynamicValue | null;
  readonly planned_state: DynamicValue | null;
}

type Calls = Readonly<Record<string, (request: Request) => object>>;

/**
 * Starts a provider for Terraform 1.0 and later, and OpenTofu. A configuration that has resources of the type `files_file`
 * needs no `required_providers`. A file that is changed or removed by something else is drift.
 */
export async function startFileProvider({ folder }: FileProviderInput): Promise<FileProvider> {
  mkdirSync(folder, { recursive: true });
  const server = new Server();
  server.addService(loadService(), toHandlers(createCalls(folder)));
  const port = await listen(server);
  const reattach = {
    Protocol: "grpc",
    ProtocolVersion: 6,
    Pid: process.pid,
    // Terraform then leaves the process alone.
    Test: true,
    Addr: { Network: "tcp", String: `127.0.0.1:${port}` },
  };
  return {
    environment: { TF_REATTACH_PROVIDERS: JSON.stringify({ [NAME]: reattach }) },
    stop: () => server.forceShutdown(),
  };
}

function loadService(): ServiceClientConstructor["service"] {
  const path = fileURLToPath(new URL("tfplugin6.proto", import.meta.url));
  const { tfplugin6 } = loadPackageDefinition(loadSync(path, { keepCase: true, longs: Number, defaults: true }));
  return (tfplugin6 as unknown as { Provider: ServiceClientConstructor }).Provider.service;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function createCalls(folder: string): Calls {
  const toResource = (value: DynamicValue | null) => fromDynamicValue(value) as FileResource | null;
  return {
    GetProviderSchema: () => ({
      provider: { version: 0, block: { attributes: [] } },
      resource_schemas: { [TYPE]: FILE_SCHEMA },
    }),
    ValidateProviderConfig: () => ({}),
    ConfigureProvider: () => ({}),
    ValidateResourceConfig: () => ({}),
    StopProvider: () => ({}),
    UpgradeResourceState: ({ raw_state }) => ({
      upgraded_state: toDynamicValue(JSON.parse(Buffer.from(raw_state.json).toString("utf8"))),
    }),
    ReadResource: ({ current_state }) => {
      const current = toResource(current_state);
      return { new_state: toDynamicValue(current && readFile(folder, current)) };
    },
    PlanResourceChange: ({ prior_state, proposed_new_state }) => {
      const { planned, replaces } = planFile(toResource(prior_state), toResource(proposed_new_state));
      const path = { steps: [{ attribute_name: "name" }] };
      return { planned_state: toDynamicValue(planned), requires_replace: replaces ? [path] : [] };
    },
    ApplyResourceChange: ({ prior_state, planned_state }) => {
      const planned = toResource(planned_state);
      if (planned !== null && !isPlanned(planned)) throw new Error("A planned file has unknown attributes.");
      return { new_state: toDynamicValue(writeFile(folder, toResource(prior_state), planned)) };
    },
  };
}

/** Returns the handlers, which convert errors to diagnostics of Terraform. */
function toHandlers(calls: Calls) {
  const toHandler = (call: Calls[string]) => {
    return ({ request }: { request: Request }, respond: (error: null, response: object) => void) => {
      try {
        respond(null, call(request));
      } catch (error) {
        respond(null, { diagnostics: [{ severity: "ERROR", summary: String(error) }] });
      }
    };
  };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, toHandler(call)]));
}
