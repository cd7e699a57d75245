export { type FileProvider, type FileProviderInput, startFileProvider } from "./file-provider.ts";
