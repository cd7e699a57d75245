import type { Environment } from "./environment.ts";
import { TerraformFailure } from "./failure.ts";
import type { DeclaredBackend } from "./module-facts.ts";
import { toStateAddress } from "./state-key.ts";

/** The name that makes Terraform read the file last, so that it adds to what the module's own files say. */
export const BACKEND_OVERRIDE_FILE = "stackyard_backend_override.tf.json";

/** The contents of the override file: all else comes by environment variables. */
export const BACKEND_OVERRIDE: string = JSON.stringify({ terraform: { backend: { http: {} } } });

/** What a run has to do so that the state is kept. */
export interface BackendSetup {
  /** More arguments of `init`. */
  readonly initArguments: readonly string[];
  readonly environment: Environment;
  /** True: the override file is to be written. */
  readonly override: boolean;
}

export interface BackendInput {
  readonly declared: DeclaredBackend | undefined;
  readonly stateKey: string;
  readonly stateBackendUrl: string | undefined;
  /** How the attempt signs in to the yard's own backend. */
  readonly attempt: { readonly id: string; readonly password: string };
}

/**
 * Where the state goes: an `s3` backend is told the state key, any other declared one is used as it is, and without
 * one the yard's own backend is used. Fails with TERRAFORM_BACKEND_MISSING when the state would be lost with the run.
 */
export function toBackendSetup({ declared, stateKey, stateBackendUrl, attempt }: BackendInput): BackendSetup {
  if (declared === undefined) return toYardBackend(requireUrl(stateBackendUrl), stateKey, attempt);
  const isS3 = declared.kind === "backend" && declared.type === "s3";
  if (declared.kind === "backend" && declared.inFolder)
    throw new TerraformFailure("TERRAFORM_BACKEND_MISSING", LOCAL_TEXT);
  return { initArguments: isS3 ? [`-backend-config=key=${stateKey}`] : [], environment: {}, override: false };
}

const LOCAL_TEXT =
  'The configuration declares the backend "local" in its own folder, which is removed after each run, and the state with it. ' +
  "Declare a remote backend, give an absolute path, or remove the block to use the yard's own state backend.";

const MISSING_TEXT =
  "The configuration declares no backend, and this runner knows no state backend of the yard, so the state would be lost. " +
  'Declare one, such as `terraform { backend "s3" { bucket = … } }`, or run the task where the yard\'s server is configured.';

function requireUrl(stateBackendUrl: string | undefined): string {
  if (stateBackendUrl !== undefined) return stateBackendUrl;
  throw new TerraformFailure("TERRAFORM_BACKEND_MISSING", MISSING_TEXT);
}

/** User and password are the attempt's: the server lets the lock end with the attempt's lease. */
function toYardBackend(url: string, stateKey: string, attempt: BackendInput["attempt"]): BackendSetup {
  const address = toStateAddress(url, stateKey);
  const environment = {
    TF_HTTP_ADDRESS: address,
    TF_HTTP_LOCK_ADDRESS: address,
    TF_HTTP_LOCK_METHOD: "LOCK",
    TF_HTTP_UNLOCK_ADDRESS: address,
    TF_HTTP_UNLOCK_METHOD: "UNLOCK",
    TF_HTTP_USERNAME: attempt.id,
    TF_HTTP_PASSWORD: attempt.password,
  };
  return { initArguments: [], environment, override: true };
}
