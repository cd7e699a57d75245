type Environment = Readonly<Record<string, string | undefined>>;

/** Where a request goes: through a proxy, or to its address. */
export type Way =
  | { readonly kind: "proxy"; readonly variable: string; readonly proxy: string }
  | { readonly kind: "direct"; readonly ignored?: string };

/**
 * Returns the way of a request as Node decides it (undici, EnvHttpProxyAgent), with the variable that names the proxy, and the proxy
 * without its password. `ignored` is a variable that names a proxy for the address while Node is not configured to use it.
 */
export function findWay(address: URL, env: Environment): Way {
  const variable = findVariable(address, env);
  if (isExempt(address, env)) return { kind: "direct" };
  if (variable === undefined) {
    // Other programs read it; Node does not.
    const ignored = ["all_proxy", "ALL_PROXY"].find((name) => env[name]);
    return { kind: "direct", ...(ignored !== undefined && { ignored }) };
  }
  if (!usesProxies(env)) return { kind: "direct", ignored: variable };
  const { protocol, host } = URL.parse(env[variable] ?? "") ?? { protocol: "", host: "?" };
  return { kind: "proxy", variable, proxy: `${protocol}//${host}` };
}

/** Returns true if Node sends requests through the proxy of the environment (Node.js docs, "Built-in Proxy Support"). */
export function usesProxies({ NODE_USE_ENV_PROXY, NODE_OPTIONS = "" }: Environment): boolean {
  return NODE_USE_ENV_PROXY === "1" || /(^|\s)--use-env-proxy(\s|$)/.test(NODE_OPTIONS);
}

/** Returns the names that `NO_PROXY` lists. */
export function listExempt(env: Environment): readonly string[] {
  return (env["no_proxy"] || env["NO_PROXY"] || "").split(/[\s,]+/).filter((name) => name !== "");
}

function findVariable({ protocol }: URL, env: Environment): string | undefined {
  const secure = protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : [];
  return [...secure, "http_proxy", "HTTP_PROXY"].find((name) => env[name]);
}

function isExempt({ protocol, hostname, port }: URL, env: Environment): boolean {
  const names = listExempt(env);
  const [own, host] = [port || (protocol === "https:" ? "443" : "80"), toBare(hostname)];
  const isOf = (name: string): boolean => {
    // More than one colon without brackets: an address of IPv6.
    const [, before = name, only] = /^(\[.*\]|[^:]+):(\d+)$/.exec(name) ?? [];
    const domain = toBare(before).replace(/^\*?\./, "");
    return (only === undefined || only === own) && (host === domain || host.endsWith(`.${domain}`));
  };
  return names.join() === "*" || names.some(isOf);
}

function toBare(name: string): string {
  return name.replaceAll(/^\[|\]$/g, "").toLowerCase();
}

/** Returns the message of the deepest cause: `fetch` says only that it has failed. */
export function toDeepestReason(error: unknown): string {
  const deepest = toDeepest(error);
  if (!(deepest instanceof Error)) return String(deepest);
  // OpenSSL's own messages are addresses in its source.
  const code = "code" in deepest ? String(deepest.code) : "";
  return code.startsWith(TLS) ? code.slice(TLS.length).toLowerCase().replaceAll("_", " ") : deepest.message;
}

/** The beginning of Node's codes of errors of OpenSSL. */
const TLS = "ERR_SSL_";

function toDeepest(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.cause instanceof Error) return toDeepest(error.cause);
  // Several addresses of a name were tried.
  return error instanceof AggregateError ? toDeepest(error.errors[0]) : error;
}

/** Codes of Node about a certificate: of OpenSSL (Node.js docs, "X509 certificate error codes") and of the name in it. */
const CERTIFICATE = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/;

/** Returns what to do about an address with which no TLS connection could be made; undefined for other errors. */
export function findTlsHint(error: unknown): string | undefined {
  const { code }: { readonly code?: unknown } = Object(toDeepest(error));
  if (code === "CERT_HAS_EXPIRED") return "Renew the certificate, or correct the clock of this machine.";
  if (CERTIFICATE.test(String(code))) {
    return "If your company has a certificate authority of its own, name its file in NODE_EXTRA_CA_CERTS.";
  }
  return code === `${TLS}WRONG_VERSION_NUMBER`
    ? "This port speaks HTTP without TLS: use its http address, or the port of the proxy."
    : undefined;
}

/** Returns what to do about a request that had no answer on its way, by its error. */
export function toWayHint(way: Way, error: unknown): string {
  const { message = "" }: { readonly message?: string } = Object(toDeepest(error));
  const ofTls = findTlsHint(error);
  if (ofTls !== undefined) return ofTls;
  if (way.kind === "proxy" && message.includes("(407)"))
    return `The proxy wants a user and a password: write them into ${way.variable}, as http://USER:PASSWORD@HOST:PORT.`;
  if (way.kind === "proxy") return "Check the proxy. If it does not lead there, add the host name to NO_PROXY.";
  if (way.ignored?.toLowerCase() === "all_proxy")
    return `${way.ignored} names a proxy, but Node does not use it: set HTTPS_PROXY and NODE_USE_ENV_PROXY=1.`;
  if (way.ignored !== undefined)
    return `${way.ignored} names a proxy, but Node does not use it: set NODE_USE_ENV_PROXY=1.`;
  return "Check the address and the network. If a proxy leads there, set HTTPS_PROXY and NODE_USE_ENV_PROXY=1.";
}
