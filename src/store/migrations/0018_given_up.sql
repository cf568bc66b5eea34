-- Events that pipes gave up are found without reading a month of attempts. An attempt of another outcome costs no row here.
CREATE INDEX attempts_given_up ON attempts (id) WHERE outcome = 'given_up';
