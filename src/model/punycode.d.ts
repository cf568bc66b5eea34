// The package has no types of its own, and @types/punycode describes it under its former name.
declare module "punycode.js" {
  const punycode: {
    /** The domain with all labels that begin with `xn--` decoded. Throws a RangeError if one of them is invalid. */
    toUnicode(domain: string): string;
  };
  export default punycode;
}
