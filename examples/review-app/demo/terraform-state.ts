/** A resource in Terraform's state. */
export interface StateResource {
  readonly address: string;
  /** What the example's modules put into each resource. */
  readonly output: Readonly<Record<string, unknown>>;
}

interface StateFile {
  readonly resources?: readonly {
    readonly type: string;
    readonly name: string;
    readonly instances: readonly {
      readonly attributes?: { readonly output?: { readonly value?: Readonly<Record<string, unknown>> } };
    }[];
  }[];
}

/** Reads a state through the server's state backend, as Terraform does. Returns undefined if it does not exist. */
export async function findStateResources(
  { url, token }: { readonly url: string; readonly token: string },
  key: string,
): Promise<readonly StateResource[] | undefined> {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const response = await fetch(`${url}/terraform/state/${path}`, {
    headers: { authorization: `Basic ${Buffer.from(`token:${token}`).toString("base64")}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status === 404 || response.status === 204) return undefined;
  if (!response.ok) throw new Error(`The state ${key} cannot be read: ${response.status} ${await response.text()}`);
  const { resources = [] } = (await response.json()) as StateFile;
  return resources.flatMap(({ type, name, instances }) =>
    instances.map(({ attributes }) => ({ address: `${type}.${name}`, output: attributes?.output?.value ?? {} })),
  );
}
