//! CSV with the names of the fields in the first row.

use std::io::BufRead;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::fields::{Fields, Value};
use super::format::{FormatError, LONGEST_ROW, Row, check_names, shown};
use super::record;

pub(super) struct CsvFile {
    reader: Reader<Box<dyn BufRead>>,
    names: Vec<String>,
}

impl CsvFile {
    pub(super) fn new(input: Box<dyn BufRead>) -> Result<Self, FormatError> {
        let mut builder = ReaderBuilder::new();
        let mut reader = builder.flexible(true).from_reader(input);
        let header = reader.byte_headers().map_err(unreadable)?;
        let names = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect::<Vec<_>>();
        check_names(&names)?;
        if let Some(unknown) = names.iter().find(|name| !record::is_known(name, &names)) {
            return Err(FormatError::UnknownField(shown(unknown)));
        }
        Ok(Self { reader, names })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, FormatError> {
        let mut record = ByteRecord::new();
        if !self
            .reader
            .read_byte_record(&mut record)
            .map_err(unreadable)?
        {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        let fields = self.fields(&record);
        Ok(Some(Row { line, fields }))
    }

    fn fields(&self, record: &ByteRecord) -> Result<Fields, String> {
        if record.len() != self.names.len() {
            let (found, named) = (record.len(), self.names.len());
            return Err(format!(
                "has {found} fields, and the first row names {named}"
            ));
        }
        if record.as_slice().len() > LONGEST_ROW {
            return Err("is longer than a megabyte".to_owned());
        }
        let mut fields = Fields::default();
        for (name, value) in self.names.iter().zip(record) {
            let text = str::from_utf8(value).map_err(|_| format!("{name} is not UTF-8"))?;
            fields.insert(name, Value::Text(text.to_owned()));
        }
        Ok(fields)
    }
}

fn unreadable(error: csv::Error) -> FormatError {
    FormatError::Read(error.into())
}
