import { defined, StackyardError } from "@stackyard/core";
import { type EnvironmentVariables, readEnvironment, SharedVariables } from "@stackyard/core/environment";
import { Type } from "typebox";
import type { ClientPlugin } from "./limiter.ts";

/** How uploads to S3 say that they are encrypted: by S3's own keys, or by a key of KMS. */
export interface UploadEncryption {
  readonly kind: "AES256" | "aws:kms";
  /** The ARN of a key or of an alias. Default: the account's key for S3. */
  readonly keyArn?: string;
}

const { STACKYARD_S3_ENCRYPTION } = SharedVariables.properties;
const UploadVariables = Type.Object({ STACKYARD_S3_ENCRYPTION });

/**
 * Returns how a process's uploads name their encryption, from `STACKYARD_S3_ENCRYPTION`. Undefined if it is not set: then
 * nothing is sent, which stores that are compatible with S3 may require. Throws `CONFIG_INVALID`.
 */
export function findUploadEncryption(environment: EnvironmentVariables): UploadEncryption | undefined {
  const { values, faults } = readEnvironment(UploadVariables, environment);
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const { STACKYARD_S3_ENCRYPTION: said } = values;
  if (said === undefined) return undefined;
  return said === "AES256" || said === "aws:kms" ? { kind: said } : { kind: "aws:kms", keyArn: said };
}

/** The calls that begin an object: parts and completions inherit its encryption (API reference, "CreateMultipartUpload"). */
const UPLOADS: ReadonlySet<string> = new Set(["PutObject", "CopyObject", "CreateMultipartUpload"]);

/** Returns true for a call of S3 that begins an object. */
export function isUpload(service: string, operation: string): boolean {
  return service === "S3" && UPLOADS.has(operation);
}

/** The part of the SDK's middleware stack in use. */
interface Stack {
  add(middleware: Middleware, options: Readonly<Record<string, unknown>>): void;
}

type Handle = (args: { readonly input: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Context) => Handle;
type Context = { readonly clientName?: unknown; readonly commandName?: unknown };

/** Adds the encryption to the uploads of a client. What an upload says of its own encryption is kept. */
export function createUploadPlugin(encryption: UploadEncryption): ClientPlugin {
  return {
    applyToStack(stack: Stack) {
      stack.add(
        (next, { clientName, commandName }) =>
          (args) => {
            const service = String(clientName).replace(/Client$/, "");
            if (!isUpload(service, String(commandName).replace(/Command$/, ""))) return next(args);
            return next({ ...args, input: addEncryption(Object(args.input), encryption) });
          },
        { name: "stackyardUpload", step: "initialize", priority: "high", override: true },
      );
    },
  };
}

/** The fields of an upload that name its encryption. */
interface Upload {
  readonly ServerSideEncryption?: string;
  readonly SSEKMSKeyId?: string;
  readonly SSECustomerAlgorithm?: string;
}

function addEncryption(upload: Upload, { kind, keyArn }: UploadEncryption): Upload {
  const { ServerSideEncryption = kind, SSEKMSKeyId, SSECustomerAlgorithm } = upload;
  if (SSECustomerAlgorithm !== undefined) return upload;
  const ofSetting = ServerSideEncryption === "aws:kms" ? keyArn : undefined;
  return { ...upload, ServerSideEncryption, ...defined({ SSEKMSKeyId: SSEKMSKeyId ?? ofSetting }) };
}
