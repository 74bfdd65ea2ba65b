mod read;
mod send;

const PHONE: &str = "34600111222";
const USER: &str = "ES.13491208655302741918";
