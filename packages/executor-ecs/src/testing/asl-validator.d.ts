/** The package has no types. */
declare module "asl-validator" {
  interface Validation {
    readonly isValid: boolean;
    errorsText(separator?: string): string;
  }
  const validate: (definition: object) => Validation;
  export = validate;
}
